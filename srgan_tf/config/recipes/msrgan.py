"""MSRGAN and what changes one thing about it: other adversarial losses, a ranker, attention."""

from dataclasses import replace

from srgan_tf.config.schema import Config
from srgan_tf.config.sections import Data, Gan, LearningRate, Optimizer, Perceptual, Pretrain

# Published perceptual weights are for torchvision's conv5_4. ESRGAN's training logs show a loss of about 0.80 at the
# start of the GAN phase (open-mmlab/mmagic#82, at a pixel L1 of 0.036). Keras's Caffe weights gave 16.0 between
# HR and the output of a small pretrained network on photographs (128 patches, pixel L1 0.031). Hence the factor 0.05.
CAFFE_TO_TORCHVISION = 0.05

# LDL and Real-ESRGAN weigh five layers of torchvision's VGG19 with 0.1, 0.1, 1, 1 and 1. Caffe's features grow and
# shrink differently over the layers. Between HR and the output of the included compact_x4 (middles of Set14, 128
# pixels, pixel L1 0.034), at the scale above, the distances are 2.25, 7.02, 19.4, 11.6 and 0.91: with the published
# weights, conv3_4 and conv4_4 would be 94 % of a sum of 33. With the weights below the layers are 14, 13, 22, 22 and
# 29 % of a sum of 3.2. A published log with the five weights has 10.0 (PaddleGAN's GFPGAN, images about three times as
# far apart).
PUBLISHED_FIVE_LAYERS = {
    "block1_conv2": 0.2,
    "block2_conv2": 0.06,
    "block3_conv4": 0.035,
    "block4_conv4": 0.06,
    "block5_conv4": 1.0,
}
# By the same distances, a quarter of the sum each.
EQUAL_FOUR_LAYERS = {"block2_conv2": 0.14, "block3_conv4": 0.05, "block4_conv4": 0.08, "block5_conv4": 1.0}

MSRRESNET = {
    "name": "srresnet",
    "normalization": "none",
    "activation": "leaky_relu",
    "output_activation": "linear",
    "bilinear_skip": True,
    "head_kernel_size": 3,
    "tail_kernel_size": 3,
    "init_gain": 0.1,
}

# In the option files of BasicSR, LDL and RankSRGAN.
BASICSR_ADAM = Optimizer(beta_2=0.99)

# BasicSR's loss weights, which most successors of ESRGAN start from.
MODERN_GAN = Gan(
    steps=400_000,
    learning_rate=LearningRate(decay="step", milestones=(0.125, 0.25, 0.5, 0.75), factor=0.5),
    generator_optimizer=BASICSR_ADAM,
    discriminator_optimizer=BASICSR_ADAM,
    pixel="l1",
    pixel_weight=1e-2,
    perceptual=Perceptual(before_activation=True, distance="l1", feature_scale=CAFFE_TO_TORCHVISION),
    adversarial_weight=5e-3,
    total_variation_weight=0.0,
)

# For a U-Net discriminator and budgets of hours; the weights of its users differ in the adversarial loss.
UNET_GAN = replace(
    MODERN_GAN,
    learning_rate=LearningRate(initial=2e-4, decay="step", milestones=(0.6, 0.8), factor=0.5),
    pixel_weight=1.0,
    perceptual=replace(MODERN_GAN.perceptual, layers=EQUAL_FOUR_LAYERS),
    perceptual_weight=0.15,
)


def msrgan_x4():
    """MSRGAN, BasicSR's modern SRGAN: no batch norm, L1, bilinear skip, VGG before activation, EMA.

    Pretraining: L1, 2e-4, four cosine cycles of 250k steps to 1e-7, HR 128, batch 16. GAN: 1e-2 L1 + 1 perceptual (L1
    on conv5_4 before activation) + 5e-3 adversarial, 400k steps at 1e-4, halved at 50k, 100k, 200k and 300k.

    Deviations: instead of MSRResNet's convolution at HR size there is a trunk convolution with a long skip (the number
    of parameters is the same, 1,517,571); residual blocks have LeakyReLU 0.1 instead of ReLU; the features are those
    of Keras's VGG19, multiplied to the scale of torchvision's, which the loss weights assume; the discriminator is
    SRGAN's at HR 128.
    """
    return Config(
        preset="msrgan_x4",
        generator=MSRRESNET,
        data=Data(hr_patch_size=128),
        pretrain=Pretrain(
            loss="l1",
            learning_rate=LearningRate(initial=2e-4, decay="cosine", cycles=4, final=1e-7),
            optimizer=BASICSR_ADAM,
        ),
        gan=MODERN_GAN,
    )


def msrgan_short_x4():
    """MSRGAN for a budget of hours instead of weeks: one cosine from a high learning rate, U-Net discriminator.

    The generator of `msrgan_x4` (BasicSR). Pretraining: L1, 60k steps, 1e-3 falling to 1e-7 in one cosine, HR 96, batch
    16. GAN: 1 pixel L1 + 0.15 perceptual (L1 on four layers of VGG19 before activation, each about a quarter of the
    sum) + 0.03 adversarial, a U-Net of 32 filters with spectral norm (Wang et al. 2021 (Real-ESRGAN)), 20k steps at
    2e-4, halved at 0.6 and 0.8 of them.

    Deviations: those of `msrgan_x4` in the generator; learning rates, lengths, loss weights and discriminator are not
    BasicSR's.
    """
    return Config(
        preset="msrgan_short_x4",
        generator=MSRRESNET,
        discriminator={"name": "unet", "num_filters": 32},
        pretrain=Pretrain(
            steps=60_000, loss="l1", learning_rate=LearningRate(initial=1e-3, decay="cosine", final=1e-7)
        ),
        gan=replace(UNET_GAN, steps=20_000, adversarial_weight=0.03),
    )


def lsgan_x4():
    """`msrgan_x4` with the least-squares objective (Mao et al. 2017), whose gradient does not vanish for bad fakes.

    Deviations: those of `msrgan_x4`; the paper generates images from noise; the other loss weights are BasicSR's.
    """
    config = msrgan_x4()
    return replace(config, preset="lsgan_x4", gan=replace(config.gan, adversarial="lsgan"))


def wgan_gp_x4():
    """`msrgan_x4` with a Wasserstein critic (Gulrajani et al. 2017): penalty 10, five critic steps per generator step.

    The critic is SRGAN's discriminator with layer norm, since the penalty is computed for each image separately.
    `gan.steps` counts critic steps: the generator is updated on every fifth.
    Both networks have Adam with the paper's betas of 0 and 0.9.

    Always float32 unless `--precision` is given: in bfloat16 single slopes change by up to 3 %.

    Deviations: those of `msrgan_x4`; the penalty bounds the slope by 1 for pixels in [0, 1], the paper's images are in
    [-1, 1], where the same bound is half as steep; the generator's update uses the critic before its fifth update.
    """
    config = msrgan_x4()
    adam = Optimizer(beta_1=0.0, beta_2=0.9)
    gan = replace(
        config.gan,
        adversarial="wgan_gp",
        gradient_penalty_weight=10.0,
        generator_every=5,
        generator_optimizer=adam,
        discriminator_optimizer=adam,
    )
    critic = {"name": "vgg", "normalization": "layer"}
    return replace(config, preset="wgan_gp_x4", precision="float32", discriminator=critic, gan=gan)


def wgan_x4():
    """`msrgan_x4` with the first Wasserstein critic (Arjovsky et al. 2017): its weights are clipped.

    RMSProp at 5e-5 for both networks, five critic steps per generator step. `gan.steps` counts critic steps: the
    generator is updated on every fifth.

    Deviations: those of `msrgan_x4`; the paper generates images from noise; the other loss weights are BasicSR's;
    weights are clipped to [-0.05, 0.05] instead of 0.01, with which the critic's gradient vanishes: its norm at the
    images was 7e-11 after three steps of this discriminator.
    """
    config = msrgan_x4()
    rmsprop = Optimizer(name="rmsprop", beta_2=0.99)
    gan = replace(
        config.gan,
        adversarial="wgan",
        clip_weights=0.05,
        generator_every=5,
        learning_rate=LearningRate(initial=5e-5),
        generator_optimizer=rmsprop,
        discriminator_optimizer=rmsprop,
    )
    return replace(config, preset="wgan_x4", gan=gan)


def ranksrgan_x4():
    """RankSRGAN (Zhang et al. 2019): `msrgan_x4` plus the loss of a ranker that predicts the order of images by NIQE.

    Train the ranker first: `srgan-tf rank --model A --model B --data D --output ranker.keras`, on images of a
    pixel-trained network and of GANs. GAN: 1 perceptual + 5e-3 adversarial + 0.24 rank content (the authors' 3e-2
    on the sum over a batch of 8), no pixel loss, HR 192, batch 8: the size of the crops that the ranker was trained
    on, by default.

    Deviations: those of `msrgan_x4`, also in steps and learning rates. The authors train 500k steps on HR 296, with a
    ranker and a discriminator for that size.
    """
    config = replace(msrgan_x4(), data=Data(hr_patch_size=192, batch_size=8))
    gan = replace(config.gan, pixel_weight=0.0, rank_weight=0.24, ranker="ranker.keras")
    return replace(config, preset="ranksrgan_x4", gan=gan)


def channel_attention_x4():
    """`msrgan_x4` with RCAN's channel attention (Zhang et al. 2018) in each residual block.

    Deviations: RCAN has 200 blocks in ten groups; this is its attention on MSRResNet's trunk of 16.
    """
    return _with_attention("channel", interval=1)


def self_attention_x4():
    """`msrgan_x4` with 8x8 window attention (Liu et al. 2021; Liang et al. 2021) in every second residual block.

    Deviations: SwinIR consists of attention layers; here they alternate with convolutions, which replace its MLP.
    """
    return _with_attention("self", interval=2)


def multiscale_attention_x4():
    """`msrgan_x4` with large-kernel attention at three scales (Wang et al. 2022: MAN) in every fourth residual block.

    Deviations: MAN has it in each of 36 blocks of 180 channels, and a gated unit; with every fourth block the
    receptive field, and so the halo of a tile, stays at 112 pixels.
    """
    return _with_attention("multiscale", interval=4)


def _with_attention(attention, interval):
    config = msrgan_x4()
    generator = config.generator | {"attention": attention, "attention_interval": interval}
    return replace(config, preset=f"{attention}_attention_x4", generator=generator)
