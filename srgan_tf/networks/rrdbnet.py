"""RRDBNet, the generator of ESRGAN."""

import math

import keras
from keras import layers
from pydantic import PositiveFloat, PositiveInt, validate_call

from srgan_tf.networks.blocks import Scale, convolve


@validate_call
def rrdbnet(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 23,
    num_filters: PositiveInt = 64,
    growth_filters: PositiveInt = 32,
    residual_scale: PositiveFloat = 0.2,
) -> keras.Model:
    """RRDBNet (Wang et al. 2018 (ESRGAN), section 3.1 and figure 4): dense blocks in residual blocks, no norm.

    A dense block is five 3x3 convolutions, each of which sees the outputs of all before it, LeakyReLU 0.2 after the
    first four; a residual-in-residual dense block (RRDB) is three of them. Both add their result, times
    `residual_scale`, to their input. Enlargement is nearest-neighbour, a factor of two at a time, with a convolution
    after each. 16,697,987 parameters at x4 with the defaults.

    Args:
        scale: 2, 4 or 8: one, two or three enlargements.
        num_blocks: RRDBs.
        num_filters: channels of the trunk.
        growth_filters: channels that each convolution of a dense block adds.
        residual_scale: factor on what a dense block and an RRDB add.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to `sr` float32 [batch, scale*height, scale*width, 3],
        which may overshoot.
    """

    def add_scaled(shortcut, x, name):
        return layers.Add(name=f"{name}_add")([shortcut, layers.Rescaling(residual_scale, name=f"{name}_scale")(x)])

    def activate(x, name):
        return layers.LeakyReLU(0.2, name=f"{name}_activation")(x)

    def dense_block(x, name):
        features = [x]
        for index in range(1, 5):
            # The initial weights are a tenth of He's (section 3.4 and the supplement), in the dense blocks alone.
            joined = layers.Concatenate(name=f"{name}_concat{index}")(features) if index > 1 else x
            conv = convolve(joined, growth_filters, 3, f"{name}_conv{index}", gain=0.1)
            features.append(activate(conv, f"{name}_conv{index}"))
        joined = layers.Concatenate(name=f"{name}_concat5")(features)
        return add_scaled(x, convolve(joined, num_filters, 3, f"{name}_conv5", gain=0.1), name)

    lr = keras.Input((None, None, 3), name="lr")
    head = x = convolve(lr, num_filters, 3, "head_conv")
    for block in range(1, num_blocks + 1):
        shortcut = x
        for index in range(1, 4):
            x = dense_block(x, f"block{block}_dense{index}")
        x = add_scaled(shortcut, x, f"block{block}")
    x = layers.Add(name="trunk_add")([head, convolve(x, num_filters, 3, "trunk_conv")])
    for stage in range(1, int(math.log2(scale)) + 1):
        x = keras.ops.depth_to_space(layers.Concatenate(name=f"upsample{stage}")([x] * 4), 2)
        x = activate(convolve(x, num_filters, 3, f"upsample{stage}_conv"), f"upsample{stage}")
    x = activate(convolve(x, num_filters, 3, "detail_conv"), "detail")
    # float32: half precision would round the pixels to fewer levels than uint8 has.
    sr = convolve(x, 3, 3, "sr", dtype="float32")
    return keras.Model(lr, sr, name="rrdbnet")
