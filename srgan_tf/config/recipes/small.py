"""Small networks: one for CPUs and phones, one to try everything within a minute."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import MODERN_GAN, MSRRESNET, UNET_GAN
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Gan, LearningRate, Pretrain, Reporting

LITE = {"name": "compact", "num_blocks": 16, "num_filters": 64}
# Of `srgan_lite_x4` and `photo_x4`; their docstrings describe it.
LITE_GAN = replace(
    UNET_GAN,
    perceptual=replace(UNET_GAN.perceptual, crop_size=64),
    grid_weight=4.0,
    colour_weight=2.0,
)


def compact_x4():
    """A network for CPUs and phones: EDSR's residual blocks (Lim et al. 2017), 8 of 32 filters, one pixel shuffle.

    Pretraining: L1, 1e-3 falling to 1e-7 in one cosine, 60k steps, HR 192, batch 8: an hour on two cores with AMX. No
    GAN phase. `--set gan.steps=50000` adds one: the weights of `msrgan_x4`, 1e-4, halved after one half and three
    quarters of the steps.

    Deviations: EDSR has 32 blocks of 256 filters, a residual scale, upsamplers of one convolution each and no skip of
    the input; the discriminator is SRGAN's with half of its filters, since the full one takes many times the
    arithmetic of this generator.
    """
    return Config(
        preset="compact_x4",
        generator={"name": "compact"},
        discriminator={"name": "vgg", "num_filters": 32},
        data=Data(hr_patch_size=192, batch_size=8),
        pretrain=Pretrain(
            steps=60_000, loss="l1", learning_rate=LearningRate(initial=1e-3, decay="cosine", final=1e-7)
        ),
        gan=replace(
            MODERN_GAN,
            steps=0,
            learning_rate=LearningRate(decay="step", milestones=(0.5, 0.75), factor=0.5),
        ),
    )


def continuous_x4():
    """One network for every factor from 1 to 4, the task of LIIF (Chen et al. 2021), with the trunk of `compact_x4`.

    Trained as that: L1, 60k steps, 1e-3 falling to 1e-7 in one cosine, batch 8. A factor between 1 and 4 is drawn for
    each batch. LR patches have 48x48 pixels as in LIIF; 96x96 of their HR pixels are compared, in LIIF 2,304.

    Deviations: LIIF draws a factor for each patch, has the trunk of EDSR or RDN, and evaluates an MLP of 4 layers of
    256 at each output pixel for the four nearest LR pixels; here basis functions are weighted by the coefficients of
    the nearest one, and the skip is bicubic.
    """
    return replace(
        compact_x4(),
        preset="continuous_x4",
        generator={"name": "continuous"},
        data=Data(hr_patch_size=192, batch_size=8, min_scale=1.0),
        gan=Gan(steps=0),
    )


def srresnet_lite_x4():
    """SRResNet's trunk without batch norm (16 blocks of 64 filters) with the light tail of `compact_x4`.

    Residual blocks of EDSR (Lim et al. 2017), one pixel shuffle, a bilinear skip: 78 % of SRResNet's parameters
    and 54 % of its arithmetic. L1, 200k steps, 8e-4 falling to 1e-7 in one cosine, HR 96, batch 16.

    Deviations: those of `compact_x4` in the generator; the schedule is for hours, not for the papers' weeks.
    """
    return Config(
        preset="srresnet_lite_x4",
        generator=LITE,
        pretrain=Pretrain(
            steps=200_000, loss="l1", learning_rate=LearningRate(initial=8e-4, decay="cosine", final=1e-7)
        ),
        gan=Gan(steps=0),
    )


def srgan_lite_x4():
    """SRGAN with the generator of `srresnet_lite_x4`: sharp, for clean images.

    Pretraining as there, with HR 128, batch 8. GAN: 1 pixel L1 + 0.15 perceptual (L1 on four layers of VGG19 before
    activation, each about a quarter of the sum, on a random square of 64 pixels) + 0.5 adversarial + 4 for the grid of
    the pixel shuffle + 2 for the mean colours of areas, a U-Net discriminator of 32 filters with spectral norm (Wang et
    al. 2021 (Real-ESRGAN)), 8k steps at 2e-4, halved at 0.6 and 0.8 of them. To start from a run of
    `srresnet_lite_x4`: `--init-generator RUN --set pretrain.steps=0`.

    Deviations: those of `srresnet_lite_x4`; SRGAN (Ledig et al. 2017) has no pixel loss, one VGG layer after its
    activation, and an adversarial weight of 1e-3 with a discriminator of one logit.
    """
    return replace(
        srresnet_lite_x4(),
        preset="srgan_lite_x4",
        discriminator={"name": "unet", "num_filters": 32},
        data=Data(hr_patch_size=128, batch_size=8),
        gan=replace(LITE_GAN, steps=8_000, adversarial_weight=0.5),
    )


def tiny():
    """Half a minute on a CPU, without downloads: a small MSRResNet on drawn images, then SRGAN-MSE.

    The GAN phase has the pixel MSE as its content loss (SRGAN-MSE, Ledig et al. 2017, section 3.4), so that it needs no
    VGG19. It demonstrates the training; it is not a model for use. float32 on every device, so that all CPUs come to
    nearly the same numbers.
    """
    return Config(
        preset="tiny",
        precision="float32",
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
