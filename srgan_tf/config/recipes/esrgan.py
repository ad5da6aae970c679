"""ESRGAN and its successors with RRDBNet."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import MODERN_GAN, PUBLISHED_FIVE_LAYERS
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, LearningRate, Pretrain


def esrgan_x4():
    """ESRGAN (Wang et al. 2018): RRDBNet of 23 blocks, relativistic average discriminator, VGG before activation.

    Pretraining: L1, 2e-4, halved at each 200k of 1M steps, HR 128, batch 16. GAN: 1e-2 L1 + 1 perceptual (L1 on conv5_4
    before activation) + 5e-3 adversarial, 400k steps at 1e-4, halved at 50k, 100k, 200k and 300k.

    Deviations: the discriminator is SRGAN's at HR 128; the authors' one downsamples with 4x4 convolutions. The
    relativistic losses of real and fake images are added, as in the paper's equations; the authors' code, for which
    5e-3 was chosen, averages them, so the adversarial term weighs twice as much here (`gan.adversarial_weight=2.5e-3`
    matches the code). Features as in `msrgan_x4`; DF2K and OST, the paper's training images, are not included.
    """
    return _rrdb("esrgan_x4", num_blocks=23)


def esrgan_light_x4():
    """ESRGAN for small GPUs: 6 blocks instead of 23, as in Real-ESRGAN's anime model (Wang et al. 2021).

    A quarter of the parameters and about a third of the arithmetic. Everything else, and the deviations, as in
    `esrgan_x4`.
    """
    return _rrdb("esrgan_light_x4", num_blocks=6)


def ldl_x4():
    """LDL (Liang et al. 2022): ESRGAN with several VGG layers and an L1 loss weighted by an artifact map.

    The artifact map compares the outputs of the generator and of its EMA. The weighted L1 has a weight of 1. Five VGG
    layers before activation, 300k steps at 1e-4.

    Deviations: those of `esrgan_x4`. The authors weigh the layers conv1_2 and conv2_2 of torchvision's VGG19 with 0.1,
    the other three with 1; here the weights are for Keras's features (see `PUBLISHED_FIVE_LAYERS`). No gradient flows
    through the artifact map; in the authors' code it does. The batch is 16; theirs is 16 on each of four GPUs. The EMA
    follows the generator closely in the first thousand steps, where the comparison of the two says little; theirs has
    a decay of 0.999 from the first step.
    """
    config = _rrdb("ldl_x4", num_blocks=23)
    gan = replace(
        config.gan,
        steps=300_000,
        learning_rate=LearningRate(),
        perceptual=replace(config.gan.perceptual, layers=PUBLISHED_FIVE_LAYERS),
        artifact_weight=1.0,
    )
    return replace(config, gan=gan)


def _rrdb(preset, num_blocks):
    return Config(
        preset=preset,
        generator={"name": "rrdbnet", "num_blocks": num_blocks},
        data=Data(hr_patch_size=128),
        pretrain=Pretrain(
            loss="l1",
            learning_rate=LearningRate(initial=2e-4, decay="step", milestones=(0.2, 0.4, 0.6, 0.8), factor=0.5),
        ),
        gan=replace(MODERN_GAN, adversarial="ra"),
    )
