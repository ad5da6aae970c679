"""SRResNet and its variants: residual blocks at low resolution, then pixel shuffles to high resolution."""

from typing import Annotated, Literal

import keras
from keras import layers
from pydantic import Field, PositiveFloat, PositiveInt, validate_call

from srgan_tf.networks.attention import ATTENTIONS, IN_BRANCH
from srgan_tf.networks.blocks import BATCH_NORM_MOMENTUM, NORM_EPSILON, Scale, add_bilinear, convolve, upsample


@validate_call
def srresnet(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 16,
    num_filters: PositiveInt = 64,
    normalization: Literal["none", "batch"] = "batch",
    batch_norm_momentum: Annotated[float, Field(ge=0, lt=1)] = BATCH_NORM_MOMENTUM,
    batch_norm_epsilon: PositiveFloat = NORM_EPSILON,
    activation: Literal["prelu", "leaky_relu"] = "prelu",
    output_activation: Literal["tanh", "linear"] = "tanh",
    bilinear_skip: bool = False,
    head_kernel_size: PositiveInt = 9,
    tail_kernel_size: PositiveInt = 9,
    init_gain: PositiveFloat = 1.0,
    tail_init_gain: PositiveFloat = 0.1,
    attention: Literal["none", *ATTENTIONS] = "none",
    attention_interval: PositiveInt = 1,
) -> keras.Model:
    """SRResNet, the generator of SRGAN (Ledig et al. 2017, figure 4); with other options MSRResNet (Wang et al. 2018).

    At low resolution: a head convolution, `num_blocks` residual blocks, a trunk convolution and a skip connection from
    the head. Then for each factor of two a convolution to four times the filters, a pixel shuffle and an activation;
    at x3 a single stage of factor three. Last a tail convolution to RGB.

    Convolutions before a batch norm have no bias, since the norm would cancel it. With the defaults there are
    1,552,771 parameters at x4; with those biases there would be 1,554,883.

    Args:
        scale: 2, 3, 4 or 8, by one, one, two or three upsampling stages.
        num_blocks: number of residual blocks.
        num_filters: channels of the trunk.
        normalization: "batch" as in SRGAN, "none" as in ESRGAN and later work.
        batch_norm_momentum: decay of the moving mean and variance at each step; the outputs in training mode do not
            depend on it.
        batch_norm_epsilon: added to the variance.
        activation: "prelu", one learned slope per channel (initially 0.25, He et al. 2015), or "leaky_relu", slope 0.1.
        output_activation: "tanh", rescaled to [0, 1] inside the network, or "linear".
        bilinear_skip: adds the bilinearly upsampled input to the output, so that the network learns the residual.
        head_kernel_size: kernel size of the first convolution.
        tail_kernel_size: kernel size of the last convolution.
        init_gain: factor on He initialization. ESRGAN and BasicSR use 0.1 without normalization.
        tail_init_gain: the same for the last convolution. 1 saturates a tanh output at the start.
        attention: "none", "channel", "self" or "multiscale"; "channel" is applied to the residual branch before the
            addition, the others to the sum.
        attention_interval: N: every Nth block has attention.

    Returns:
        Model from `lr` float [batch, height, width, 3] to `sr` float32 [batch, scale*height, scale*width, 3], both in
        [0, 1]; a linear output may exceed that range.
    """
    if bilinear_skip and output_activation == "tanh":
        raise ValueError("`bilinear_skip` needs a linear output. Received: output_activation='tanh'")
    normalized = normalization == "batch"

    def conv(x, filters, kernel_size, name, gain=init_gain, **options):
        return convolve(x, filters, kernel_size, name, gain=gain, **options)

    def normalize(x, name):
        if not normalized:
            return x
        return layers.BatchNormalization(momentum=batch_norm_momentum, epsilon=batch_norm_epsilon, name=name)(x)

    def activate(x, name):
        if activation == "prelu":
            return layers.PReLU(keras.initializers.Constant(0.25), shared_axes=[1, 2], name=name)(x)
        return layers.LeakyReLU(0.1, name=name)(x)

    lr = keras.Input((None, None, 3), name="lr")
    head = x = activate(conv(lr, num_filters, head_kernel_size, "head_conv"), "head_activation")

    for block in range(1, num_blocks + 1):
        name = f"block{block}"
        shortcut = x
        x = conv(x, num_filters, 3, f"{name}_conv1", use_bias=not normalized)
        x = activate(normalize(x, f"{name}_norm1"), f"{name}_activation")
        x = conv(x, num_filters, 3, f"{name}_conv2", use_bias=not normalized)
        x = normalize(x, f"{name}_norm2")
        attended = attention != "none" and block % attention_interval == 0
        if attended and attention in IN_BRANCH:
            x = ATTENTIONS[attention](x, f"{name}_attention", index=block // attention_interval)
        x = layers.Add(name=f"{name}_add")([shortcut, x])
        if attended and attention not in IN_BRANCH:
            x = ATTENTIONS[attention](x, f"{name}_attention", index=block // attention_interval)

    x = conv(x, num_filters, 3, "trunk_conv", use_bias=not normalized)
    x = layers.Add(name="trunk_add")([head, normalize(x, "trunk_norm")])

    x = upsample(x, scale, num_filters, activate, gain=init_gain)

    # Pixels are float32: half precision has fewer values in [0, 1] than uint8. The last convolution may be in half
    # precision if its result is added to a skip connection, since it is small, and before tanh: rounding x to
    # bfloat16 changes (tanh(x) + 1) / 2 by 0.21 grey levels at most.
    tail_dtype = None if bilinear_skip or output_activation == "tanh" else "float32"
    x = conv(x, 3, tail_kernel_size, "tail_conv", gain=tail_init_gain, dtype=tail_dtype)
    if output_activation == "tanh":
        x = layers.Activation("tanh", dtype="float32", name="tanh")(x)
        x = layers.Rescaling(0.5, 0.5, dtype="float32", name="sr")(x)
    if bilinear_skip:
        x = add_bilinear(x, lr, scale)
    return keras.Model(lr, x, name="srresnet")
