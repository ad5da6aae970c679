"""Attention modules for residual networks: channel attention, window self-attention, multi-scale attention.

`ATTENTIONS` at the end lists the values of `generator.attention`. Each is a function of a feature map, a name prefix
for the layers and `index`, the number of the module in its network from 1. It returns a feature map of the same shape.
"""

import keras
from keras import layers

from srgan_tf.networks.blocks import PYTORCH_GAIN, convolve
from srgan_tf.networks.window_attention import WindowAttention

# Keras's default of 1e-3 would suppress feature maps of small variance, as they are at initialization.
LAYER_NORM_EPSILON = 1e-6


def channel_attention(x, name, *, index, reduction=16):
    """Channel attention by squeeze and excitation (Zhang et al. 2018 (RCAN), section 3.3).

    Global average pooling makes every output pixel depend on the whole image. The two convolutions start as PyTorch
    initializes them in the authors' code, with random biases: the gates begin between about 0.35 and 0.65.
    """
    del index

    def conv(x, filters, suffix, activation):
        bound = x.shape[-1] ** -0.5
        bias = keras.initializers.RandomUniform(-bound, bound)
        options = {"gain": PYTORCH_GAIN, "bias_initializer": bias, "activation": activation}
        return convolve(x, filters, 1, f"{name}_{suffix}", **options)

    channels = x.shape[-1]
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    weights = conv(weights, max(channels // reduction, 4), "squeeze", "relu")
    weights = conv(weights, channels, "excite", "sigmoid")
    return layers.Multiply(name=name)([x, weights])


def self_attention(x, name, *, index, window_size=8):
    """Self-attention in 8x8 windows with a skip connection; windows of even indices are shifted by half a window.

    The attention half of a Swin Transformer block (Liu et al. 2021, equation 3; Liang et al. 2021 (SwinIR), section
    3.2): layer norm, window attention with heads of about 16 channels, addition. The convolutions of the residual block
    take the place of the MLP, the other half.
    """
    channels = x.shape[-1]
    num_heads = next(heads for heads in range(max(channels // 16, 1), 0, -1) if channels % heads == 0)
    shift = 0 if index % 2 else window_size // 2
    attended = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name=f"{name}_norm")(x)
    attended = WindowAttention(num_heads, window_size, shift, name=f"{name}_windows")(attended)
    return layers.Add(name=name)([x, attended])


def multiscale_attention(x, name, *, index):
    """Multi-scale large kernel attention (MLKA) with a skip connection (Wang et al. 2022 (MAN)).

    The channels are split into three groups. Each goes through a depthwise, a dilated depthwise and a pointwise
    convolution: together a kernel of 11, 23 or 39 pixels at little cost (Guo et al. 2022, section 3.1). The result is
    multiplied with a smaller depthwise convolution of the same group. The three products are concatenated and multiply
    the values. The authors scale the result by factors that start at 0; here its last kernel starts near 0.
    """
    del index
    channels = x.shape[-1]
    normed = layers.LayerNormalization(epsilon=LAYER_NORM_EPSILON, name=f"{name}_norm")(x)
    gates = []
    # Size of the local kernel, size and dilation of the dilated one.
    for scale, (local, sparse, dilation) in enumerate([(3, 5, 2), (5, 7, 3), (7, 9, 4)]):
        part = f"{name}_scale{scale + 1}"
        filters = channels // 3 + (scale < channels % 3)

        def depthwise(x, side, suffix, part=part, **options):
            return layers.DepthwiseConv2D(side, padding="same", name=f"{part}_{suffix}", **options)(x)

        third = convolve(normed, filters, 1, f"{part}_input")
        far = depthwise(third, local, "local")
        far = depthwise(far, sparse, "sparse", dilation_rate=dilation)
        far = convolve(far, filters, 1, f"{part}_mix")
        gates.append(layers.Multiply(name=f"{part}_gate")([far, depthwise(third, local, "near")]))
    values = convolve(normed, channels, 1, f"{name}_values")
    gated = layers.Multiply(name=f"{name}_gated")([values, layers.Concatenate(name=f"{name}_gates")(gates)])
    return layers.Add(name=name)([x, convolve(gated, channels, 1, f"{name}_output", gain=0.01)])


ATTENTIONS = {"channel": channel_attention, "self": self_attention, "multiscale": multiscale_attention}
# These scale the residual branch (RCAN). The others have a skip connection of their own and follow the addition.
IN_BRANCH = ("channel",)
