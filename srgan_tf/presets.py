"""Named recipes. Each is a function that returns a `Config`, cites its paper and lists where it deviates."""

import difflib
from dataclasses import replace

from srgan_tf.config import Config, Data, Gan, LearningRate, Perceptual, Pretrain, Reporting
from srgan_tf.errors import UserError

# Published recipes weigh the L1 of torchvision's conv5_4. Logs of ESRGAN's training show about 0.80 for it at the start
# of the GAN phase (open-mmlab/mmagic#82, at a pixel L1 of 0.036); Keras's Caffe weights gave 16.0 between HR and the
# output of a small pretrained network on photographs (128 patches, pixel L1 0.031). Hence a factor of 0.05.
_CAFFE_TO_TORCHVISION = 0.05

_MSRRESNET = {
    "name": "srresnet",
    "normalization": "none",
    "activation": "leaky_relu",
    "output_activation": "linear",
    "bilinear_skip": True,
    "head_kernel_size": 3,
    "tail_kernel_size": 3,
    "init_gain": 0.1,
}

# BasicSR's weights, which most of what followed ESRGAN starts from.
_MODERN_GAN = Gan(
    steps=400_000,
    learning_rate=LearningRate(decay="step", milestones=(0.125, 0.25, 0.5, 0.75), factor=0.5),
    pixel="l1",
    pixel_weight=1e-2,
    perceptual=Perceptual(before_activation=True, distance="l1", feature_scale=_CAFFE_TO_TORCHVISION),
    adversarial_weight=5e-3,
    total_variation_weight=0.0,
)


def srresnet_x4():
    """SRResNet (Ledig et al. 2017): the generator alone, pixel MSE, 1e6 steps at 1e-4, batch 16, HR 96.

    Deviations: an EMA of the weights (0.999) is what is scored and saved; convolutions before a batch norm have no
    bias; PReLU slopes start at 0.25 and weights at He's initialisation, on which the paper is silent.
    """
    return Config(preset="srresnet_x4", gan=Gan(steps=0))


def srgan_x4():
    """SRGAN (Ledig et al. 2017) as the EN3160 report sums it up: SRResNet, then 1e5 steps at 1e-4 and 1e5 at 1e-5.

    The generator's loss is MSE of VGG54 after its activation (features / 12.75) + 1e-3 adversarial + 2e-8 total
    variation; the discriminator's is binary cross-entropy.

    Deviations: those of `srresnet_x4`; total variation, which the paper uses with VGG22 alone, is on as in the report,
    though on a mean over pixels a weight of 2e-8 (the paper's, for another normalisation) does next to nothing;
    generator and discriminator step together from one forward pass instead of in turn. The report's own budget, 2000
    and 1000 epochs of DIV2K, is `--set pretrain.steps=100000 --set gan.steps=50000`.
    """
    return Config(preset="srgan_x4")


def msrgan_x4():
    """MSRGAN, BasicSR's modern SRGAN: no batch norm, L1, bilinear skip, VGG before activation, EMA.

    Pretraining: L1, 2e-4, four cosine cycles of 250k steps to 1e-7, HR 128, batch 16. GAN: 1e-2 L1 + 1 perceptual (L1
    on conv5_4 before activation) + 5e-3 adversarial, 400k steps at 1e-4, halved at 50k, 100k, 200k and 300k.

    Deviations: MSRResNet's convolution at HR size is a trunk convolution with a long skip here (the number of
    parameters is the same 1,517,571), its residual blocks have LeakyReLU 0.1 for ReLU; the features are those of
    Keras's VGG19, brought to the scale of torchvision's, for which the weights are meant; the discriminator is
    SRGAN's, at HR 128.
    """
    return Config(
        preset="msrgan_x4",
        generator=_MSRRESNET,
        data=Data(hr_patch_size=128),
        pretrain=Pretrain(loss="l1", learning_rate=LearningRate(initial=2e-4, decay="cosine", cycles=4, final=1e-7)),
        gan=_MODERN_GAN,
    )


def compact_x4():
    """A network for CPUs and phones: EDSR's residual blocks (Lim et al. 2017), 8 of 32 filters, one pixel shuffle.

    Pretraining: L1, 1e-3 falling to 1e-7 in one cosine, 200k steps of HR 96, batch 16: hours on two cores. GAN: the
    weights of `msrgan_x4`, 50k steps at 1e-4, halved at a half and at three quarters.

    Deviations: EDSR has 32 blocks of 256 filters, a residual scale, upsamplers of one convolution each and no skip of
    the input; the discriminator is SRGAN's with half of its filters, since the whole costs many times what this
    generator does.
    """
    return Config(
        preset="compact_x4",
        generator={"name": "compact"},
        discriminator={"name": "vgg", "num_filters": 32},
        pretrain=Pretrain(
            steps=200_000, loss="l1", learning_rate=LearningRate(initial=1e-3, decay="cosine", final=1e-7)
        ),
        gan=replace(
            _MODERN_GAN,
            steps=50_000,
            learning_rate=LearningRate(decay="step", milestones=(0.5, 0.75), factor=0.5),
        ),
    )


def tiny():
    """Half a minute on a CPU, with nothing to download: a small MSRResNet on drawn pictures, then SRGAN-MSE.

    The GAN phase has the pixel MSE as its content loss (SRGAN-MSE, Ledig et al. 2017, section 3.4), so that it needs no
    VGG19. It shows that everything works; it is no model to use.
    """
    return Config(
        preset="tiny",
        ema_decay=0.98,
        generator=_MSRRESNET | {"num_blocks": 4, "num_filters": 24},
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


PRESETS = {preset.__name__: preset for preset in (srresnet_x4, srgan_x4, msrgan_x4, compact_x4, tiny)}


def load_preset(name):
    """The `Config` of a preset.

    Raises:
        UserError: an unknown name; the message has the nearest.
    """
    if name not in PRESETS:
        nearest = difflib.get_close_matches(name, PRESETS, 1, 0.0)[0]
        raise UserError(f"unknown preset {name!r}; the nearest is {nearest!r}, all are {', '.join(PRESETS)}")
    return PRESETS[name]()
