"""Small networks: one for CPUs and phones, one to try everything within a minute."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import MODERN_GAN, MSRRESNET
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Gan, LearningRate, Pretrain, Reporting


def compact_x4():
    """A network for CPUs and phones: EDSR's residual blocks (Lim et al. 2017), 8 of 32 filters, one pixel shuffle.

    Pretraining: L1, 1e-3 falling to 1e-7 in one cosine, 200k steps, HR 96, batch 16: hours on two cores. GAN: the
    weights of `msrgan_x4`, 50k steps at 1e-4, halved after one half and three quarters of the steps.

    Deviations: EDSR has 32 blocks of 256 filters, a residual scale, upsamplers of one convolution each and no skip of
    the input; the discriminator is SRGAN's with half of its filters, since the full one takes many times the
    arithmetic of this generator.
    """
    return Config(
        preset="compact_x4",
        generator={"name": "compact"},
        discriminator={"name": "vgg", "num_filters": 32},
        pretrain=Pretrain(
            steps=200_000, loss="l1", learning_rate=LearningRate(initial=1e-3, decay="cosine", final=1e-7)
        ),
        gan=replace(
            MODERN_GAN,
            steps=50_000,
            learning_rate=LearningRate(decay="step", milestones=(0.5, 0.75), factor=0.5),
        ),
    )


def tiny():
    """Half a minute on a CPU, without downloads: a small MSRResNet on drawn images, then SRGAN-MSE.

    The GAN phase has the pixel MSE as its content loss (SRGAN-MSE, Ledig et al. 2017, section 3.4), so that it needs no
    VGG19. It demonstrates the training; it is not a model for use.
    """
    return Config(
        preset="tiny",
        ema_decay=0.98,
        generator=MSRRESNET | {"num_blocks": 4, "num_filters": 24},
        discriminator={"name": "vgg", "num_filters": 16},
        data=Data(train=("synthetic",), valid_pictures=4, hr_patch_size=64, batch_size=8),
        pretrain=Pretrain(steps=600, loss="l1", learning_rate=LearningRate(initial=2e-3, decay="cosine", final=1e-5)),
        gan=Gan(
            steps=150,
            learning_rate=LearningRate(initial=5e-4),
            pixel="mse",
            pixel_weight=1.0,
            perceptual_weight=0.0,
            adversarial_weight=1e-4,
        ),
        reporting=Reporting(log_every=25, validate_every=150, checkpoint_every=75, samples=2),
    )
