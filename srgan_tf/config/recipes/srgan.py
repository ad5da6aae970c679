"""SRResNet and SRGAN: the paper's settings and the report's."""

from dataclasses import replace

from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Gan, LearningRate, Pretrain


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


def srresnet_x8():
    """`srresnet_x4` (Ledig et al. 2017) at x8, for track 1 of NTIRE 2018: a third upsampling stage, HR 192.

    Deviations: those of `srresnet_x4`; the paper has no x8. An LR patch has 24 pixels a side, as in the paper at x4.
    """
    return _at_x8(srresnet_x4())


def srgan_x8():
    """`srgan_x4` (Ledig et al. 2017) at x8, with the generator of `srresnet_x8`.

    Deviations: those of `srgan_x4` and `srresnet_x8`. At HR 192 the discriminator's dense layer has four times the
    weights.
    """
    return _at_x8(srgan_x4())


def _at_x8(config):
    return replace(
        config, preset=config.preset.replace("x4", "x8"), scale=8, data=replace(config.data, hr_patch_size=192)
    )


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
