"""SRDenseNet: dense blocks whose outputs all reach the reconstruction."""

import keras
from keras import layers
from pydantic import PositiveInt, validate_call

from srgan_tf.networks.blocks import STAGES, Scale, convolve, upsample


@validate_call
def srdensenet(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 8,
    num_layers: PositiveInt = 8,
    growth_filters: PositiveInt = 16,
    num_filters: PositiveInt = 256,
) -> keras.Model:
    """SRDenseNet with all skip connections (Tong et al. 2017, "SRDenseNet_All"), no norm.

    A head convolution to `num_layers * growth_filters` channels. In a dense block the first of `num_layers` 3x3
    convolutions sees the head and all previous blocks, each further one the outputs of the block's convolutions before
    it; the block's output is the concatenation of all of them. A 1x1 convolution (the bottleneck) reduces the head and
    all blocks to `num_filters` channels. ReLU follows each convolution but the last.

    Upsampling is a 3x3 convolution of `num_filters` filters (x3: the next lower multiple of 9) and a pixel shuffle for
    each factor of two or three. The paper has transposed convolutions of 256 filters, which keep 256 channels at every
    resolution: with them, the two upsampling layers take two thirds of the arithmetic of the whole network. A shuffle
    has the same filters, leaves a quarter of the channels, and can be exported to every format. There are 2,218,947
    parameters at x4 with the defaults.

    Args:
        scale: 2, 3, 4 or 8, by one, two or three upsampling stages.
        num_blocks: number of dense blocks.
        num_layers: convolutions in each dense block.
        growth_filters: channels of each convolution inside a dense block (the growth rate).
        num_filters: channels after the bottleneck and before each pixel shuffle, a multiple of 4.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to `sr` float32 [batch, scale*height, scale*width, 3],
        which may exceed that range.

    Raises:
        ValueError: `num_filters` is not a multiple of 4.
    """
    if num_filters % 4:
        raise ValueError(f"`num_filters` must be a multiple of 4. Received: {num_filters}")

    def activate(x, name):
        return layers.ReLU(name=name)(x)

    def conv(x, filters, kernel_size, name):
        return activate(convolve(x, filters, kernel_size, name), f"{name}_activation")

    def concatenate(maps, name):
        return layers.Concatenate(name=name)(maps) if len(maps) > 1 else maps[0]

    lr = keras.Input((None, None, 3), name="lr")
    features = [conv(lr, num_layers * growth_filters, 3, "head_conv")]
    for block in range(1, num_blocks + 1):
        name = f"block{block}"
        inside = [conv(concatenate(features, f"{name}_input"), growth_filters, 3, f"{name}_conv1")]
        for index in range(2, num_layers + 1):
            joined = concatenate(inside, f"{name}_concat{index}")
            inside.append(conv(joined, growth_filters, 3, f"{name}_conv{index}"))
        features.append(concatenate(inside, f"{name}_output"))
    x = conv(concatenate(features, "all_features"), num_filters, 1, "bottleneck_conv")
    x = upsample(x, scale, num_filters // STAGES[scale][0] ** 2, activate)
    # float32: half precision has fewer values in [0, 1] than uint8.
    sr = convolve(x, 3, 3, "sr", gain=0.1, dtype="float32")
    return keras.Model(lr, sr, name="srdensenet")
