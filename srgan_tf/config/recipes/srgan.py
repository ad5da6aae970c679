"""SRResNet and SRGAN: the paper's, and with a bilinear skip."""

from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Gan, LearningRate, Perceptual, Pretrain, Reporting

# The batch norms are those that the included weights were trained with, Keras's defaults.
_SRRESNET_SKIP = {
    "name": "srresnet",
    "output_activation": "linear",
    "bilinear_skip": True,
    "batch_norm_momentum": 0.99,
    "batch_norm_epsilon": 1e-3,
}


def srresnet_x4():
    """SRResNet (Ledig et al. 2017): the generator alone, pixel MSE, 1e6 steps at 1e-4, batch 16, HR 96.

    Deviations: scores and generator.keras are those of an EMA of the weights (0.999); convolutions before a batch norm
    have no bias; PReLU slopes start at 0.25 and weights are He-initialised, which the paper does not specify.
    """
    return Config(preset="srresnet_x4", gan=Gan(steps=0))


def srgan_x4():
    """SRGAN (Ledig et al. 2017) as summarised by the EN3160 report: SRResNet, then 1e5 steps at 1e-4 and 1e5 at 1e-5.

    The generator's loss is MSE of VGG54 after its activation (features / 12.75) + 1e-3 adversarial + 2e-8 total
    variation; the discriminator's is binary cross-entropy.

    Deviations: those of `srresnet_x4`; total variation is on, as in the report (the paper uses it with VGG22
    only); on a mean over pixels its weight of 2e-8 has almost no effect; generator and discriminator are updated
    together from one forward pass instead of alternately. `report_x4` has the report's own
    budget.
    """
    return Config(preset="srgan_x4")


def report_x4():
    """SRGAN (Ledig et al. 2017) with the settings of the EN3160 report: 2000 and 1000 epochs, total variation.

    The report trains on the 800 images of DIV2K: 50 steps of 16 patches are an epoch, 100k steps of pretraining (MSE)
    and 50k of the GAN phase. Generator and discriminator are those of `srgan_x4`, with a tanh output; the generator's
    loss is MSE of VGG19 relu5_4 + 1e-3 adversarial + total variation.

    Total variation counts 5: at the start of the GAN phase it is a quarter of the perceptual loss (0.041 and 0.157,
    middles of Set14, output of compact_x4) and its gradient 2 % of that one's. At the 2e-8 of `srgan_x4` it has no
    effect.

    Deviations: those of `srresnet_x4`; the report states neither its learning rate (1e-4 here, constant) nor the weight
    of total variation; its last convolution is 9x9 in the text, as here, and 3x3 in the code; its features are those of
    torchvision's VGG19 on ImageNet-normalised images, here Keras's, divided by 12.75 as in the SRGAN paper; generator
    and discriminator are updated together.
    """
    return Config(
        preset="report_x4",
        pretrain=Pretrain(steps=100_000),
        gan=Gan(steps=50_000, learning_rate=LearningRate(), total_variation_weight=5.0),
    )


def srresnet_skip_x4():
    """SRResNet (Ledig et al. 2017) with a bilinear skip and a linear output, pretrained with L1.

    24,000 steps at 5e-4, one cosine to 1e-7, HR 96, batch 16.

    Deviations: the output is a bilinear enlargement of the input plus the network's residual, without tanh; L1 instead
    of MSE. The weights that come with the package stopped this schedule after 5,000 steps. Three shorter runs followed,
    the last two with frozen batch norms: `srgan-tf weights show srresnet_skip_x4` lists them.
    """
    return Config(
        preset="srresnet_skip_x4",
        ema_decay=0.998,
        generator=_SRRESNET_SKIP,
        pretrain=Pretrain(
            steps=24_000, loss="l1", learning_rate=LearningRate(initial=5e-4, decay="cosine", final=1e-7)
        ),
        gan=Gan(steps=0),
    )


def srgan_skip_x4():
    """SRGAN (Ledig et al. 2017) with the generator of `srresnet_skip_x4`, fine-tuned from its weights.

    GAN: 0.1 pixel L1 + 1 perceptual (L1 on five layers of VGG19 before activation, features * 0.002) + 1e-2
    adversarial, 2,500 steps, 2e-4 falling to 1e-6 in one cosine, HR 96, batch 8, batch norms frozen.

    Deviations: the network, the pixel and perceptual losses, the short schedule. The weights that come with the
    package are those of step 2,000, trained with `--precision bfloat16 --seed 3`.
    """
    layers = {
        "block1_conv2": 0.1,
        "block2_conv2": 0.1,
        "block3_conv4": 1.0,
        "block4_conv4": 1.0,
        "block5_conv4": 1.0,
    }
    return Config(
        preset="srgan_skip_x4",
        init_generator="srresnet_skip_x4",
        freeze_batch_norm=True,
        ema_decay=0.998,
        generator=_SRRESNET_SKIP,
        data=Data(batch_size=8),
        pretrain=Pretrain(steps=0),
        gan=Gan(
            steps=2_500,
            learning_rate=LearningRate(initial=2e-4, decay="cosine", final=1e-6),
            pixel="l1",
            pixel_weight=0.1,
            perceptual=Perceptual(layers=layers, before_activation=True, distance="l1", feature_scale=0.002),
            adversarial_weight=1e-2,
        ),
        reporting=Reporting(log_every=50, validate_every=250, checkpoint_every=250),
    )
