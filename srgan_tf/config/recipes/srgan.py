"""The paper's SRResNet and SRGAN."""

from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Gan


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
    together from one forward pass instead of alternately. The report's own budget, 2000
    and 1000 epochs of DIV2K, is `--set pretrain.steps=100000 --set gan.steps=50000`.
    """
    return Config(preset="srgan_x4")
