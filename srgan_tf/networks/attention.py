"""Attention for residual trunks: what the layers before found is weighed by channel, by likeness or by surroundings.

`ATTENTIONS` at the end is the table of what `generator.attention` can name: functions of a feature map, a name for the
layers, and `index`, which counts a network's attentions from 1. They return a map of the same shape.
"""

from keras import layers

from srgan_tf.networks.blocks import convolve
from srgan_tf.networks.layers import WindowAttention


def channel_attention(x, name, *, index, reduction=16):
    """Each channel times a weight in (0, 1) made of all channels' means (Zhang et al. 2018 (RCAN), section 3.3).

    The means are over the whole picture, so every pixel depends on every other.
    """
    del index
    channels = x.shape[-1]
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    weights = convolve(weights, max(channels // reduction, 4), 1, f"{name}_squeeze", activation="relu")
    weights = convolve(weights, channels, 1, f"{name}_excite", activation="sigmoid")
    return layers.Multiply(name=name)([x, weights])


def self_attention(x, name, *, index, window_size=8):
    """Adds what each pixel finds among those of its 8x8 window; every second time the windows are half a one apart.

    The attention half of a Swin Transformer block (Liu et al. 2021, equation 3; Liang et al. 2021 (SwinIR), section
    3.2): layer norm, window attention with heads of about 16 channels, sum. The convolutions of the residual block
    stand for its other half, the MLP.
    """
    channels = x.shape[-1]
    num_heads = next(heads for heads in range(max(channels // 16, 1), 0, -1) if channels % heads == 0)
    shift = 0 if index % 2 else window_size // 2
    attended = layers.LayerNormalization(name=f"{name}_norm")(x)
    attended = WindowAttention(num_heads, window_size, shift, name=f"{name}_windows")(attended)
    return layers.Add(name=name)([x, attended])


def multiscale_attention(x, name, *, index):
    """Adds x times gates that look at three distances (Wang et al. 2022 (MAN): its MLKA).

    A third of the channels each goes through a depthwise convolution, a dilated one and a pointwise one that together
    see 11, 23 or 39 pixels across: a large kernel at little cost (Guo et al. 2022, section 3.1). What they return
    multiplies a smaller depthwise convolution of the same third, and together these gate the values.
    """
    del index
    channels = x.shape[-1]
    normed = layers.LayerNormalization(name=f"{name}_norm")(x)
    gates = []
    # Side of the local kernel, side and dilation of the sparse one.
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
    return layers.Add(name=name)([x, convolve(gated, channels, 1, f"{name}_output", gain=0.1)])


ATTENTIONS = {"channel": channel_attention, "self": self_attention, "multiscale": multiscale_attention}
