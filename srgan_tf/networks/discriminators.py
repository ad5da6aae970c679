"""Discriminators: networks from images to logits (no sigmoid: the losses take logits).

`DISCRIMINATORS` at the end lists the values of `discriminator.name`.
"""

from typing import Literal

import keras
from keras import layers
from pydantic import PositiveInt, validate_call

from srgan_tf.networks.blocks import BATCH_NORM_MOMENTUM, NORM_EPSILON
from srgan_tf.networks.layers import BilinearResizing, SpectralConv2D


@validate_call
def vgg_discriminator(
    *,
    hr_patch_size: PositiveInt = 96,
    num_filters: PositiveInt = 64,
    normalization: Literal["batch", "layer", "spectral", "none"] = "batch",
) -> keras.Model:
    """The VGG-style discriminator of SRGAN (Ledig et al. 2017, figure 4).

    Eight 3x3 convolutions; every second one has stride 2. The filters double from `num_filters` to eight times that.
    All but the first are normalized, each is followed by LeakyReLU 0.2. Then a dense layer of sixteen times the filters
    (1024) and one to a single logit.

    Args:
        hr_patch_size: side of the square input patches, a multiple of 16.
        num_filters: channels of the first convolution.
        normalization: "batch" as in SRGAN; "layer", which normalizes each image separately, as the gradient penalty of
            WGAN-GP needs; "spectral" (Miyato et al. 2018) for the kernels; or "none".

    Returns:
        Model from an image float [batch, hr_patch_size, hr_patch_size, 3] in [0, 1] to float32 logits [batch, 1].

    Raises:
        ValueError: `hr_patch_size` is not a multiple of 16.
    """
    if hr_patch_size % 16:
        raise ValueError(f"`hr_patch_size` must be a multiple of 16. Received: {hr_patch_size}")
    image = keras.Input((hr_patch_size, hr_patch_size, 3), name="image")
    # The convolutions get pixels in [-1, 1], as in the paper.
    x = layers.Rescaling(2.0, -1.0, name="rescale")(image)
    for index, (multiple, stride) in enumerate([(m, s) for m in (1, 2, 4, 8) for s in (1, 2)], start=1):
        normalized = normalization if index > 1 else "none"
        convolution = SpectralConv2D if normalized == "spectral" else layers.Conv2D
        bias = normalized not in ("batch", "layer")  # batch norm cancels a bias; the beta of layer norm replaces it
        x = convolution(multiple * num_filters, 3, stride, padding="same", use_bias=bias, name=f"conv{index}")(x)
        if normalized == "batch":
            x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=NORM_EPSILON, name=f"norm{index}")(x)
        elif normalized == "layer":
            x = layers.GroupNormalization(groups=1, epsilon=NORM_EPSILON, name=f"norm{index}")(x)
        x = layers.LeakyReLU(0.2, name=f"activation{index}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.LeakyReLU(0.2, name="dense_activation")(layers.Dense(16 * num_filters, name="dense")(x))
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="vgg_discriminator")


@validate_call
def unet_discriminator(
    *, hr_patch_size: PositiveInt = 96, num_filters: PositiveInt = 64, spectral_normalization: bool = True
) -> keras.Model:
    """The U-Net discriminator of Real-ESRGAN (Wang et al. 2021, section 3.3): a logit for every pixel.

    Encoder: a 3x3 convolution and three 4x4 convolutions of stride 2 that double the filters. Decoder: three times a
    bilinear upsampling, a 3x3 convolution and the addition of the encoder's feature map of that size. Then two 3x3
    convolutions and one to the logits. LeakyReLU 0.2 follows each convolution but the last.

    Args:
        hr_patch_size: ignored: the network takes images of any size.
        num_filters: channels of the first convolution.
        spectral_normalization: spectral normalization (Miyato et al. 2018) of all convolutions but the first and the
            last.

    Returns:
        Model from an image float [batch, height, width, 3] in [0, 1] to float32 logits [batch, height, width, 1].
    """
    del hr_patch_size
    convolution = SpectralConv2D if spectral_normalization else layers.Conv2D

    def convolve(x, filters, name, kernel_size=3, stride=1):
        x = convolution(filters, kernel_size, stride, padding="same", use_bias=False, name=name)(x)
        return layers.LeakyReLU(0.2, name=f"{name}_activation")(x)

    image = keras.Input((None, None, 3), name="image")
    x = layers.Conv2D(num_filters, 3, padding="same", name="head")(image)
    x = layers.LeakyReLU(0.2, name="head_activation")(x)
    down = [x]
    for index, multiple in enumerate((2, 4, 8), start=1):
        x = convolve(x, multiple * num_filters, f"down{index}", kernel_size=4, stride=2)
        down.append(x)
    down.pop()
    for index, multiple in enumerate((4, 2, 1), start=1):
        skip = down.pop()
        # Not by a factor of two: the encoder rounds odd sizes up.
        x = BilinearResizing(name=f"resize{index}")([x, skip])
        x = layers.Add(name=f"up{index}_add")([convolve(x, multiple * num_filters, f"up{index}"), skip])
    x = convolve(convolve(x, num_filters, "last1"), num_filters, "last2")
    logits = layers.Conv2D(1, 3, padding="same", dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="unet_discriminator")


DISCRIMINATORS = {"vgg": vgg_discriminator, "unet": unet_discriminator}
