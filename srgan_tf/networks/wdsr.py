"""WDSR, the network that won the realistic tracks of NTIRE 2018."""

from typing import Annotated

import keras
from keras import layers
from pydantic import Field, PositiveInt, validate_call

from srgan_tf.networks.blocks import Scale
from srgan_tf.networks.layers import WeightNormConv2D

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)  # of its training pictures, R, G and B (Lim et al. 2017, authors' code)


@validate_call
def wdsr(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 32,
    num_filters: PositiveInt = 32,
    expansion: PositiveInt = 6,
    low_rank_fraction: Annotated[float, Field(gt=0, le=1)] = 0.8,
) -> keras.Model:
    """WDSR-B (Yu et al. 2018): wide activation, linear low-rank convolution, weight normalization.

    A residual block expands the channels by a 1x1 convolution before its ReLU (wide activation), reduces them by a
    second one to fewer than before, and ends in a 3x3 convolution; between those two is no activation (linear low-rank
    convolution, section 3.2). A head convolution, `num_blocks` blocks and a tail convolution to 3 * scale^2 channels
    are added to a single 5x5 convolution of the input; a pixel shuffle follows. Inputs are normalized by DIV2K's mean
    colour to about [-1, 1]. Every convolution has weight normalization (Salimans & Kingma 2016); for inference
    `optimize_for_inference` stores its kernel alone. There are 615,088 parameters at x4 with the defaults.

    Args:
        scale: 2, 3, 4 or 8.
        num_blocks: number of residual blocks.
        num_filters: channels of the trunk.
        expansion: channels before the ReLU over those of the trunk.
        low_rank_fraction: channels after the second convolution over those of the trunk, rounded down.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to `sr` float32 [batch, scale*height, scale*width, 3],
        which may exceed that range.
    """

    def conv(x, filters, kernel_size, name, **options):
        # Authors' code: PyTorch's default weights, of variance 1 / (3 fan_in). The norm of a filter is about
        # sqrt(1 / 3), and PyTorch starts its gain at that norm.
        initializers = {
            "kernel_initializer": keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform"),
            "gain_initializer": keras.initializers.Constant(3**-0.5),
        }
        return WeightNormConv2D(filters, kernel_size, padding="same", name=name, **initializers, **options)(x)

    low_rank = max(1, int(low_rank_fraction * num_filters))
    lr = keras.Input((None, None, 3), name="lr")
    # float32 for pixels: half precision has fewer values in [0, 1] than uint8.
    image = layers.Rescaling(2.0, [-2 * mean for mean in DIV2K_MEAN], dtype="float32", name="rescale")(lr)
    x = conv(image, num_filters, 3, "head_conv")
    for block in range(1, num_blocks + 1):
        name = f"block{block}"
        shortcut = x
        x = layers.ReLU(name=f"{name}_activation")(conv(x, expansion * num_filters, 1, f"{name}_expand"))
        x = conv(conv(x, low_rank, 1, f"{name}_reduce"), num_filters, 3, f"{name}_conv")
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    tail = conv(x, 3 * scale**2, 3, "tail_conv", dtype="float32")
    skip = conv(image, 3 * scale**2, 5, "skip_conv", dtype="float32")
    x = keras.ops.depth_to_space(layers.Add(dtype="float32", name="tail_add")([tail, skip]), scale)
    sr = layers.Rescaling(0.5, list(DIV2K_MEAN), dtype="float32", name="sr")(x)
    return keras.Model(lr, sr, name="wdsr")
