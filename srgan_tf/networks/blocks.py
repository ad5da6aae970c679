"""Building blocks shared by several networks: an initialized convolution, the bilinear skip, constants of norms."""

from typing import Literal

import keras
from keras import layers

from srgan_tf.networks.layers import BilinearUpsampling

Scale = Literal[2, 4, 8]

# PyTorch's defaults, with which the published networks were trained. Keras's are 0.99 and 1e-3; with 0.99 the moving
# statistics lag behind the weights for hundreds of steps.
BATCH_NORM_MOMENTUM = 0.9
NORM_EPSILON = 1e-5


def convolve(x, filters, kernel_size, name, *, gain=1.0, **options):
    """A "same" convolution with He initialization (He et al. 2015) scaled by `gain` and zero biases."""
    initializer = keras.initializers.VarianceScaling(2.0 * gain**2, "fan_in", "truncated_normal")
    return layers.Conv2D(filters, kernel_size, padding="same", kernel_initializer=initializer, name=name, **options)(x)


def add_bilinear(x, lr, scale):
    """Adds the bilinearly upsampled `lr` in float32, so that the network learns the residual."""
    skip = BilinearUpsampling(scale, dtype="float32", name="bilinear")(lr)
    return layers.Add(dtype="float32", name="sr")([x, skip])
