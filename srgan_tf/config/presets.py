"""Named recipes. Each is a function that returns a `Config`, cites its paper and lists where it deviates."""

import difflib
from dataclasses import replace

from srgan_tf.config.schema import Config, Data, Gan, LearningRate, Perceptual, Pretrain, Reporting
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


def esrgan_x4():
    """ESRGAN (Wang et al. 2018): RRDBNet of 23 blocks, relativistic average discriminator, VGG before activation.

    Pretraining: L1, 2e-4, halved at each 200k of 1M steps, HR 128, batch 16. GAN: 1e-2 L1 + 1 perceptual (L1 on conv5_4
    before activation) + 5e-3 adversarial, 400k steps at 1e-4, halved at 50k, 100k, 200k and 300k.

    Deviations: the discriminator is SRGAN's at HR 128, where the authors' halves the size with 4x4 convolutions; the
    relativistic losses of real and fake pictures are added as in the paper's equations, where the authors' code
    averages them; features as in `msrgan_x4`; the paper's DF2K and OST pictures are `--data` of your own.
    """
    return _rrdb("esrgan_x4", num_blocks=23)


def esrgan_light_x4():
    """ESRGAN for small GPUs: 6 blocks instead of 23, as in Real-ESRGAN's anime model (Wang et al. 2021).

    A quarter of the parameters and about a third of the work. All else, deviations too, as in `esrgan_x4`.
    """
    return _rrdb("esrgan_light_x4", num_blocks=6)


def ldl_x4():
    """LDL (Liang et al. 2022): ESRGAN with several VGG layers and an L1 where the picture looks invented.

    The artefact map compares the generator's picture with that of its average; the loss that it weighs has a weight
    of 1. VGG layers conv1_2 and conv2_2 count 0.1, conv3_4, conv4_4 and conv5_4 count 1. 300k steps at 1e-4.

    Deviations: those of `esrgan_x4`. The scale of the features is one for all layers, that of the deepest.
    """
    config = _rrdb("ldl_x4", num_blocks=23)
    layers = {
        "block1_conv2": 0.1,
        "block2_conv2": 0.1,
        "block3_conv4": 1.0,
        "block4_conv4": 1.0,
        "block5_conv4": 1.0,
    }
    gan = replace(
        config.gan,
        steps=300_000,
        learning_rate=LearningRate(),
        perceptual=replace(config.gan.perceptual, layers=layers),
        artifact_weight=1.0,
    )
    return replace(config, gan=gan)


def lsgan_x4():
    """`msrgan_x4` with the least-squares objective (Mao et al. 2017), whose gradient does not fade for bad fakes.

    Deviations: those of `msrgan_x4`; the paper makes pictures from noise, the weights beside it are BasicSR's.
    """
    config = msrgan_x4()
    return replace(config, preset="lsgan_x4", gan=replace(config.gan, adversarial="lsgan"))


def wgan_gp_x4():
    """`msrgan_x4` with a Wasserstein critic (Gulrajani et al. 2017): penalty 10, five critic steps a generator step.

    The critic is SRGAN's discriminator with layer norm, since the penalty is of each picture by itself. `gan.steps`
    counts the critic's: the generator makes a fifth of them.

    Deviations: those of `msrgan_x4`; the paper's Adam has betas of 0 and 0.9, here 0.9 and 0.999.
    """
    config = msrgan_x4()
    gan = replace(config.gan, adversarial="wgan_gp", gradient_penalty_weight=10.0, generator_every=5)
    return replace(config, preset="wgan_gp_x4", discriminator={"name": "vgg", "normalization": "layer"}, gan=gan)


def ranksrgan_x4():
    """RankSRGAN (Zhang et al. 2019): `msrgan_x4` pleasing a ranker that has learned to order pictures by NIQE.

    The ranker comes first: `python train_ranker.py --model A --model B --data D --output ranker.keras`, from pictures
    of a pixel-trained network and of GANs. GAN: 1 perceptual + 5e-3 adversarial + 0.24 rank content (the authors' 3e-2
    on the sum over a batch of 8), no pixel loss.

    Deviations: those of `msrgan_x4`, also in steps and learning rates.
    """
    config = msrgan_x4()
    gan = replace(config.gan, pixel_weight=0.0, rank_weight=0.24, ranker="ranker.keras")
    return replace(config, preset="ranksrgan_x4", gan=gan)


def channel_attention_x4():
    """`msrgan_x4` with RCAN's channel attention (Zhang et al. 2018) in each residual block.

    Deviations: RCAN has 200 blocks in ten groups; this is its attention on MSRResNet's trunk of 16.
    """
    return _with_attention("channel", interval=1)


def self_attention_x4():
    """`msrgan_x4` with 8x8 window attention (Liu et al. 2021; Liang et al. 2021) in every second residual block.

    Deviations: SwinIR is made of attention alone; here convolutions carry it and stand for its MLP.
    """
    return _with_attention("self", interval=2)


def multiscale_attention_x4():
    """`msrgan_x4` with large-kernel attention at three scales (Wang et al. 2022: MAN) in every fourth residual block.

    Deviations: MAN has it in each of 36 blocks of 180 channels, with a gated unit besides; every fourth block keeps
    the receptive field, and so the halo of a tile, at 112 pixels.
    """
    return _with_attention("multiscale", interval=4)


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


def _rrdb(preset, num_blocks):
    return Config(
        preset=preset,
        generator={"name": "rrdbnet", "num_blocks": num_blocks},
        data=Data(hr_patch_size=128),
        pretrain=Pretrain(
            loss="l1",
            learning_rate=LearningRate(initial=2e-4, decay="step", milestones=(0.2, 0.4, 0.6, 0.8), factor=0.5),
        ),
        gan=replace(_MODERN_GAN, adversarial="ra"),
    )


def _with_attention(attention, interval):
    config = msrgan_x4()
    generator = config.generator | {"attention": attention, "attention_interval": interval}
    return replace(config, preset=f"{attention}_attention_x4", generator=generator)


PRESETS = {
    preset.__name__: preset
    for preset in (
        *(srresnet_x4, srgan_x4, msrgan_x4, esrgan_x4, esrgan_light_x4, ldl_x4, lsgan_x4, wgan_gp_x4, ranksrgan_x4),
        *(channel_attention_x4, self_attention_x4, multiscale_attention_x4, compact_x4, tiny),
    )
}


def load_preset(name):
    """The `Config` of a preset.

    Raises:
        UserError: an unknown name; the message has the nearest.
    """
    if name not in PRESETS:
        nearest = difflib.get_close_matches(name, PRESETS, 1, 0.0)[0]
        raise UserError(f"unknown preset {name!r}; the nearest is {nearest!r}, all are {', '.join(PRESETS)}")
    return PRESETS[name]()
