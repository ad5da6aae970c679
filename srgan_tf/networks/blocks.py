"""Building blocks shared by several networks: convolution, upsampling stages, bilinear skip, constants of norms."""

from typing import Literal

import keras
from keras import layers

from srgan_tf.networks.layers import BilinearUpsampling

Scale = Literal[2, 3, 4, 8]
# The factors of the upsampling stages of each scale.
STAGES = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}

# PyTorch's defaults, with which the published networks were trained. Keras's are 0.99 and 1e-3; with 0.99 the moving
# statistics lag behind the weights for hundreds of steps.
BATCH_NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5

# PyTorch's default initialization of a convolution has a standard deviation of sqrt(1 / (3 fan_in)).
PYTORCH_GAIN = 6**-0.5


def convolve(x, filters, kernel_size, name, *, gain=1.0, **options):
    """A "same" convolution with He initialization (He et al. 2015) scaled by `gain` and zero biases."""
    initializer = keras.initializers.VarianceScaling(2.0 * gain**2, "fan_in", "truncated_normal")
    return layers.Conv2D(filters, kernel_size, padding="same", kernel_initializer=initializer, name=name, **options)(x)


def upsample(x, scale, filters, activate, *, nearest=False, gain=1.0):
    """Upsampling stages: each has a 3x3 convolution and an activation, and enlarges by a factor of two or three.

    Args:
        x: feature map [batch, height, width, channels].
        scale: a key of `STAGES`.
        filters: channels of the result.
        activate: function of a feature map and a layer name.
        nearest: nearest-neighbour upsampling before the convolution instead of a pixel shuffle after it (Shi et al.
            2016), for which the convolution has `filters` times the squared factor.
        gain: factor on He initialization.

    Returns:
        Feature map [batch, scale * height, scale * width, filters].
    """
    for stage, factor in enumerate(STAGES[scale], start=1):
        name = f"upsample{stage}"
        if nearest:
            copies = layers.Concatenate(name=name)([x] * factor**2)
            x = convolve(keras.ops.depth_to_space(copies, factor), filters, 3, f"{name}_conv", gain=gain)
        else:
            x = keras.ops.depth_to_space(convolve(x, factor**2 * filters, 3, f"{name}_conv", gain=gain), factor)
        x = activate(x, f"{name}_activation")
    return x


def add_bilinear(x, lr, scale):
    """Adds the bilinearly upsampled `lr` in float32, so that the network learns the residual."""
    skip = BilinearUpsampling(scale, dtype="float32", name="bilinear")(lr)
    return layers.Add(dtype="float32", name="sr")([x, skip])
