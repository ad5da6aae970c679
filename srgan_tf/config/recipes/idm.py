"""IDM: implicit diffusion models for continuous super-resolution."""

from dataclasses import replace

from srgan_tf.config.recipes.msrgan import UNET_GAN
from srgan_tf.config.recipes.small import continuous_x4
from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Diffusion, LearningRate


def idm_x4():
    """IDM (Gao et al. 2023) over a regression: diffusion of the residual of `continuous_x4`, four steps.

    Pretraining: the base, as `continuous_x4`. Diffusion: MSE of the estimated residual + 0.1 perceptual (L1 on four
    layers of VGG19 before activation) of the estimated image, 400k steps at 1e-4, batch 64, patches of 96x96 pixels, a
    factor between 1.5 and 4 for each batch. The paper's chain: `generator.schedule=linear`, `generator.length=2000`,
    `generator.steps=200`, `generator.prediction=noise`, `diffusion.loss=l1`, `diffusion.perceptual_weight=0`.

    Kept from the paper: coordinate networks in the upsampling of the U-Net; two factors that depend on the scale, with
    s1^2 + s2^2 = 1; features of an LR encoder at every level; one factor for each batch; Adam at 1e-4.

    Deviations: the residual over a frozen regression is sampled, as in SRDiff (Li et al. 2022), not the image; a chain
    of four steps like ResShift's (Yue et al. 2023) that estimates the image, instead of 2,000 that estimate the noise;
    a perceptual loss, which four steps need (Yue et al. 2024); a random state for each image instead of for each batch;
    SiLU between the two layers of the coordinate networks, where the published code has nothing; the U-Net is smaller,
    has no attention and no dropout, and norms over the channels of a pixel instead of group norm; its encoder is that
    of the regression; the saved weights are averages.
    """
    config = continuous_x4()
    return replace(
        config,
        preset="idm_x4",
        generator={"name": "idm", "widths": (64, 128, 192, 256), "decoder_hidden": 128},
        data=Data(hr_patch_size=192, batch_size=64, min_scale=1.5),
        gan=replace(config.gan, perceptual=UNET_GAN.perceptual),
        diffusion=Diffusion(steps=400_000, perceptual_weight=0.1, learning_rate=LearningRate(initial=1e-4)),
    )


def idm_tiny() -> Config:
    """`idm_x4` (Gao et al. 2023) for CPUs: a U-Net of 32, 64 and 96 filters, batch 16, 40k steps.

    Diffusion: 5e-4 falling to 1e-6 in one cosine; the perceptual loss of a random 64x64 square of the patches. With
    trained weights of `continuous_x4`, `--init-generator continuous_x4 --set pretrain.steps=0` skips the pretraining.

    Deviations: those of `idm_x4`.
    """
    config = idm_x4()
    return replace(
        config,
        preset="idm_tiny",
        generator={"name": "idm"},
        data=replace(config.data, batch_size=16),
        gan=replace(config.gan, perceptual=replace(config.gan.perceptual, crop_size=64)),
        diffusion=replace(
            config.diffusion,
            steps=40_000,
            learning_rate=LearningRate(initial=5e-4, decay="cosine", final=1e-6),
        ),
    )
