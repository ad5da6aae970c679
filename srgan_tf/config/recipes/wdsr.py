"""WDSR, the network that won the realistic tracks of NTIRE 2018."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import MODERN_GAN
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import LearningRate, Pretrain


def wdsr_x4():
    """WDSR-B (Yu et al. 2018): wide activation, linear low-rank convolutions, weight norm; 32 blocks of 32 filters.

    L1, 300k steps at 1e-3, halved after two thirds of them, HR 96, batch 16: the size and the schedule of krasserm's
    TensorFlow implementation. The paper has no GAN phase; `gan.steps` adds one with the weights of `msrgan_x4`.

    Deviations: the authors' size for the challenge is not published with their code; the gain of a filter starts at the
    expected norm of its kernel instead of the norm drawn; the two branches are added before one pixel shuffle instead
    of after two. For LR that is shifted against HR, `data.align` crops the pairs; the authors' code does not.
    """
    return Config(
        preset="wdsr_x4",
        generator={"name": "wdsr"},
        pretrain=Pretrain(
            steps=300_000,
            loss="l1",
            learning_rate=LearningRate(initial=1e-3, decay="step", milestones=(2 / 3,), factor=0.5),
        ),
        gan=replace(MODERN_GAN, steps=0),
    )
