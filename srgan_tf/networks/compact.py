"""A small generator for CPUs and phones."""

import keras
from keras import layers
from pydantic import PositiveInt, validate_call

from srgan_tf.networks.blocks import Scale, add_bilinear, convolve


@validate_call
def compact(*, scale: Scale = 4, num_blocks: PositiveInt = 8, num_filters: PositiveInt = 32) -> keras.Model:
    """Residual blocks of EDSR with a light tail: all convolutions run at low resolution.

    A head convolution, `num_blocks` residual blocks (3x3, ReLU, 3x3; Lim et al. 2017 (EDSR), figure 2c), one
    convolution to 3 * scale^2 channels, a single pixel shuffle (Shi et al. 2016), and a skip connection from the
    bilinearly upsampled input. The upsampling stages and the 9x9 tail of SRResNet are most of its arithmetic; the tail
    here costs as much as three quarters of a residual block.

    Args:
        scale: 2, 3, 4 or 8.
        num_blocks: number of residual blocks.
        num_filters: channels of the trunk.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to `sr` float32 [batch, scale*height, scale*width, 3],
        which may exceed that range.
    """
    lr = keras.Input((None, None, 3), name="lr")
    x = trunk(lr, num_blocks, num_filters)
    # In the network's precision: what is added to the skip connection is small. The sum is float32.
    x = convolve(x, 3 * scale**2, 3, "tail_conv", gain=0.1)
    x = keras.ops.depth_to_space(x, scale)
    return keras.Model(lr, add_bilinear(x, lr, scale), name="compact")


def trunk(lr, num_blocks, num_filters):
    """A head convolution and EDSR's residual blocks: features [batch, height, width, num_filters] of `lr`."""
    x = convolve(lr, num_filters, 3, "head_conv")
    for block in range(1, num_blocks + 1):
        name = f"block{block}"
        shortcut = x
        x = layers.ReLU(name=f"{name}_activation")(convolve(x, num_filters, 3, f"{name}_conv1"))
        x = layers.Add(name=f"{name}_add")([shortcut, convolve(x, num_filters, 3, f"{name}_conv2", gain=0.1)])
    return x
