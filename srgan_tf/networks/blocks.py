"""Building blocks shared by several generators: an initialized convolution and the bilinear skip connection."""

from typing import Literal

import keras
from keras import layers

from srgan_tf.networks.layers import BilinearUpsampling

Scale = Literal[2, 3, 4, 8]
# The factors of the upsampling stages of each scale.
STAGES = {2: (2,), 3: (3,), 4: (2, 2), 8: (2, 2, 2)}


def convolve(x, filters, kernel_size, name, *, gain=1.0, **options):
    """A "same" convolution with He initialization (He et al. 2015) scaled by `gain` and zero biases."""
    initializer = keras.initializers.VarianceScaling(2.0 * gain**2, "fan_in", "truncated_normal")
    return layers.Conv2D(filters, kernel_size, padding="same", kernel_initializer=initializer, name=name, **options)(x)


def add_bilinear(x, lr, scale):
    """Adds the bilinearly upsampled `lr` in float32, so that the network learns the residual."""
    skip = BilinearUpsampling(scale, dtype="float32", name="bilinear")(lr)
    return layers.Add(dtype="float32", name="sr")([x, skip])
