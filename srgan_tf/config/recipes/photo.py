"""Recipes for real photographs: trained on realistically degraded images (Real-ESRGAN's degradation)."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import MODERN_GAN, PUBLISHED_FIVE_LAYERS
from srgan_tf.config.recipes.small import LITE, LITE_GAN
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Gan, LearningRate, Pretrain

_PRETRAIN = Pretrain(steps=30_000, loss="l1", learning_rate=LearningRate(initial=4e-4, decay="cosine", final=1e-7))


def photo_faithful_x4():
    """For photographs as they are, without invented texture: removes noise and JPEG blocks.

    The generator of `srresnet_lite_x4`, pretrained only: L1, 30k steps, 4e-4 falling to 1e-7 in one cosine, HR 192,
    batch 8. LR is made by Real-ESRGAN's degradation (Wang et al. 2021), except for 30 % of the patches, which are
    degraded lightly or not at all. Start from trained weights by `--init-generator`.

    Deviations: Real-ESRGAN has RRDBNet of 23 blocks, degrades every patch, sharpens its targets, and trains 1M steps.
    """
    return Config(
        preset="photo_faithful_x4",
        generator=LITE,
        data=Data(hr_patch_size=192, batch_size=8, degradation="realistic", clean_fraction=0.3),
        pretrain=_PRETRAIN,
        gan=Gan(steps=0),
    )


def photo_x4():
    """For photographs as they are, with sharp texture: a small form of `realesrgan_x4` (Wang et al. 2021).

    The generator and the degradation of `photo_faithful_x4`, HR 128, batch 8, each degraded patch used four times.
    Pretraining as there. GAN: that of `srgan_lite_x4`, with an adversarial weight of 0.3. To start from a run of
    `photo_faithful_x4`: `--init-generator RUN --set pretrain.steps=0`.

    Deviations: those of `photo_faithful_x4`; Real-ESRGAN weighs the five layers of `realesrgan_x4` with 1 and the
    adversarial loss with 0.1, has no loss against a grid, and twice the filters in its discriminator.
    """
    return replace(
        photo_faithful_x4(),
        preset="photo_x4",
        discriminator={"name": "unet", "num_filters": 32},
        data=Data(hr_patch_size=128, batch_size=8, degradation="realistic", clean_fraction=0.3, patch_uses=4),
        gan=replace(LITE_GAN, steps=8_000, adversarial_weight=0.3),
    )


def realesrgan_x4():
    """Real-ESRGAN (Wang et al. 2021): RRDBNet of 23 blocks, second-order degradation, U-Net discriminator.

    Pretraining (Real-ESRNet): L1, 1M steps at 2e-4, HR 256, batch 12. GAN: 1 pixel L1 + 1 perceptual (L1 on five layers
    of VGG19 before activation) + 0.1 adversarial, a U-Net of 64 filters with spectral norm, 400k steps at 1e-4, EMA
    0.999.

    Deviations: the authors have a batch of 12 on each of four GPUs, sharpen the targets by an unsharp mask, and train
    on DF2K and OST; the layers of Keras's VGG19 have weights of their own (see `PUBLISHED_FIVE_LAYERS`) instead of 0.1,
    0.1, 1, 1 and 1; of the degradation, those listed in docs/DATA.md.
    """
    gan = replace(
        MODERN_GAN,
        learning_rate=LearningRate(),
        pixel_weight=1.0,
        perceptual=replace(MODERN_GAN.perceptual, layers=PUBLISHED_FIVE_LAYERS),
        adversarial_weight=0.1,
    )
    return Config(
        preset="realesrgan_x4",
        generator={"name": "rrdbnet"},
        discriminator={"name": "unet"},
        data=Data(hr_patch_size=256, batch_size=12, degradation="realistic"),
        pretrain=Pretrain(loss="l1", learning_rate=LearningRate(initial=2e-4)),
        gan=gan,
    )
