"""RRDBNet, the generator of ESRGAN."""

import keras
from keras import layers
from pydantic import PositiveFloat, PositiveInt, validate_call

from srgan_tf.networks.blocks import PYTORCH_GAIN, Scale, convolve, upsample


@validate_call
def rrdbnet(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 23,
    num_filters: PositiveInt = 64,
    growth_filters: PositiveInt = 32,
    residual_scale: PositiveFloat = 0.2,
) -> keras.Model:
    """RRDBNet (Wang et al. 2018 (ESRGAN), section 3.1 and figure 4): residual-in-residual dense blocks, no norm.

    A dense block has five 3x3 convolutions. The input of each is the concatenation of the block's input and all
    previous outputs; LeakyReLU 0.2 follows the first four. A residual-in-residual dense block (RRDB) is three dense
    blocks. Both have a skip connection, and their output is scaled by `residual_scale` before the addition. Upsampling
    is nearest-neighbour by a factor of two, followed by a convolution, once or more; at x3 once, by a factor of three.
    There are 16,697,987 parameters at x4 with the defaults.

    Args:
        scale: 2, 3, 4 or 8, by one, one, two or three upsampling stages.
        num_blocks: number of RRDBs.
        num_filters: channels of the trunk.
        growth_filters: channels of each convolution inside a dense block (the growth rate).
        residual_scale: factor on the output of a dense block and of an RRDB before the addition.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to `sr` float32 [batch, scale*height, scale*width, 3],
        which may exceed that range.
    """

    def add_scaled(shortcut, x, name):
        return layers.Add(name=f"{name}_add")([shortcut, layers.Rescaling(residual_scale, name=f"{name}_scale")(x)])

    def activate(x, name):
        return layers.LeakyReLU(0.2, name=name)(x)

    def dense_block(x, name):
        features = [x]
        for index in range(1, 5):
            # A tenth of He initialization (section 3.4 and the supplement), in the dense blocks only.
            joined = layers.Concatenate(name=f"{name}_concat{index}")(features) if index > 1 else x
            conv = convolve(joined, growth_filters, 3, f"{name}_conv{index}", gain=0.1)
            features.append(activate(conv, f"{name}_conv{index}_activation"))
        joined = layers.Concatenate(name=f"{name}_concat5")(features)
        return add_scaled(x, convolve(joined, num_filters, 3, f"{name}_conv5", gain=0.1), name)

    lr = keras.Input((None, None, 3), name="lr")
    # Outside the dense blocks the authors' code leaves PyTorch's initialization.
    head = x = convolve(lr, num_filters, 3, "head_conv", gain=PYTORCH_GAIN)
    for block in range(1, num_blocks + 1):
        shortcut = x
        for index in range(1, 4):
            x = dense_block(x, f"block{block}_dense{index}")
        x = add_scaled(shortcut, x, f"block{block}")
    x = convolve(x, num_filters, 3, "trunk_conv", gain=PYTORCH_GAIN)
    x = layers.Add(name="trunk_add")([head, x])
    x = upsample(x, scale, num_filters, activate, nearest=True, gain=PYTORCH_GAIN)
    x = activate(convolve(x, num_filters, 3, "detail_conv", gain=PYTORCH_GAIN), "detail_activation")
    # float32: half precision has fewer values in [0, 1] than uint8.
    sr = convolve(x, 3, 3, "sr", gain=PYTORCH_GAIN, dtype="float32")
    return keras.Model(lr, sr, name="rrdbnet")
