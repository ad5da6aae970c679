"""16 blocks of 64 filters at LR size and one pixel shuffle: for clean pictures, and for photographs as they are."""

from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Gan, LearningRate, Perceptual, Pretrain

_LITE = {"name": "compact", "num_blocks": 16, "num_filters": 64}


def srresnet_lite_x4():
    """SRResNet's 16 blocks of 64 filters (Ledig et al. 2017) in EDSR's form (Lim et al. 2017), one pixel shuffle.

    L1, 36,000 steps at 8e-4 falling to 1e-7 in one cosine, HR 96, batch 16.

    Deviations: no batch norm; one upsampling step after all convolutions; the output is added to the enlarged input.
    """
    return Config(
        preset="srresnet_lite_x4",
        generator=_LITE,
        pretrain=Pretrain(
            steps=36_000, loss="l1", learning_rate=LearningRate(initial=8e-4, decay="cosine", final=1e-7)
        ),
        gan=Gan(steps=0),
    )


def photo_faithful_x4():
    """The network of `srresnet_lite_x4`, fine-tuned on Real-ESRGAN's degradations (Wang et al. 2021) with L1.

    10,000 steps at 4e-4 falling to 1e-7 in one cosine, HR 96, batch 16.

    Deviations: the network; HR is not sharpened.
    """
    return Config(
        preset="photo_faithful_x4",
        init_generator="srresnet_lite_x4",
        generator=_LITE,
        data=Data(degradation="realistic"),
        pretrain=Pretrain(
            steps=10_000, loss="l1", learning_rate=LearningRate(initial=4e-4, decay="cosine", final=1e-7)
        ),
        gan=Gan(steps=0),
    )


def photo_x4():
    """Real-ESRGAN's GAN phase (Wang et al. 2021) for the network of `photo_faithful_x4`, fine-tuned from its weights.

    L1 + 0.1 perceptual (four layers of VGG19 before activation) + 0.06 adversarial; a U-Net of 32 filters with spectral
    norm; 3,600 steps at 2e-4, halved after one half and three quarters of the steps, HR 128, batch 8.

    Deviations: the network and the discriminator are smaller; layers and weights of the losses; the schedule. The
    weights that come with the package had 2,588 steps with an adversarial weight of 0.015 before these.
    """
    return Config(
        preset="photo_x4",
        init_generator="photo_faithful_x4",
        generator=_LITE,
        discriminator={"name": "unet", "num_filters": 32, "spectral_normalization": True},
        data=Data(degradation="realistic", hr_patch_size=128, batch_size=8),
        pretrain=Pretrain(steps=0),
        gan=Gan(
            steps=3_600,
            learning_rate=LearningRate(initial=2e-4, decay="step", milestones=(0.5, 0.75), factor=0.5),
            pixel="l1",
            pixel_weight=1.0,
            perceptual=Perceptual(
                layers={"block2_conv2": 0.14, "block3_conv4": 0.05, "block4_conv4": 0.08, "block5_conv4": 1.0},
                before_activation=True,
                distance="l1",
                feature_scale=0.05,
            ),
            perceptual_weight=0.1,
            adversarial_weight=0.06,
            total_variation_weight=0.0,
        ),
    )
