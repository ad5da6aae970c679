"""Layers of IDM's U-Net: conditioning on the factor, implicit upsampling, and residual blocks with a time."""

import keras
import tensorflow as tf
from keras import layers

from srgan_tf.networks.sampling import attach


@keras.saving.register_keras_serializable("srgan_tf")
class ScaleBalance(layers.Layer):
    """IDM's scale-adaptive conditioning: s1 x + s2 y per channel, with s1^2 + s2^2 = 1 (Gao et al. 2023, equation 5).

    s1 and s2 are linear functions of the logarithm of the factor, divided by their norm.
    """

    def build(self, input_shape):
        """Creates the two linear functions."""
        channels = input_shape[0][-1]
        # At the start s1 = s2 for every factor.
        self.slopes = self.add_weight((2, channels), initializer="zeros", name="slopes")
        self.constants = self.add_weight((2, channels), initializer="ones", name="constants")

    def call(self, inputs):
        """Two maps [batch, h, w, c], and the size of an output pixel in LR pixels, a scalar, to one map."""
        x, y, step = inputs
        balance = tf.cast(-tf.math.log(step), self.compute_dtype) * self.slopes + self.constants
        balance *= tf.math.rsqrt(tf.reduce_sum(tf.square(balance), axis=0, keepdims=True) + 1e-6)
        return x * balance[0] + y * balance[1]


@keras.saving.register_keras_serializable("srgan_tf")
class ImplicitUpsampling(layers.Layer):
    """Upsampling by two with a network of coordinates: IDM's implicit decoder.

    Each pixel of the result takes the nearest coarse pixel and its distance from its centre, -0.25 or 0.25 in each
    direction, through two linear layers with a SiLU between them. The first is computed at the coarse resolution, since
    it is linear.

    Args:
        filters: output channels.
        hidden: units between the two layers.
    """

    def __init__(self, filters, hidden, **options):
        super().__init__(**options)
        self.filters, self.hidden = filters, hidden
        self.first = layers.Dense(hidden, dtype=self.dtype_policy, name="first")
        self.second = layers.Dense(filters, dtype=self.dtype_policy, name="second")

    def build(self, input_shape):
        """Creates the weights."""
        self.first.build(input_shape)
        self.second.build((*input_shape[:-1], self.hidden))
        self.coordinates = self.add_weight((2, self.hidden), initializer="glorot_uniform", name="coordinates")

    def call(self, x):
        """[batch, h, w, c] to [batch, 2 h, 2 w, filters]."""
        x = self.first(x)
        shape = tf.shape(x)
        distance = tf.constant([-0.25, 0.25], x.dtype)
        # [rows 2, columns 2, hidden]
        shift = (
            distance[:, tf.newaxis, tf.newaxis] * self.coordinates[0] + distance[:, tf.newaxis] * self.coordinates[1]
        )
        x = x[:, :, tf.newaxis, :, tf.newaxis] + shift[tf.newaxis, tf.newaxis, :, tf.newaxis]
        x = tf.reshape(x, (shape[0], 2 * shape[1], 2 * shape[2], self.hidden))
        return self.second(tf.nn.silu(x))

    def compute_output_shape(self, input_shape):
        """Twice the sides."""
        batch, height, width, _ = input_shape
        return batch, height and 2 * height, width and 2 * width, self.filters

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | {"filters": self.filters, "hidden": self.hidden}


class TimedBlock(layers.Layer):
    """A residual block: twice norm, SiLU and 3x3 convolution, the second time with a factor and an offset of the time.

    The norm is over the channels of one pixel, so that a tile has the values of the whole image.
    """

    def __init__(self, filters, **options):
        super().__init__(**options)
        policy = self.dtype_policy
        self.filters = filters
        norms = [layers.LayerNormalization(epsilon=1e-5, dtype=policy, name=f"norm{n}") for n in (1, 2)]
        self.norms = attach(self, norms)
        convs = [
            layers.Conv2D(filters, 3, padding="same", dtype=policy, name="conv1"),
            # Small: a block is close to the identity at the start.
            layers.Conv2D(
                filters,
                3,
                padding="same",
                kernel_initializer=keras.initializers.VarianceScaling(0.02),
                dtype=policy,
                name="conv2",
            ),
        ]
        self.convs = attach(self, convs)
        self.of_time = layers.Dense(2 * filters, dtype=policy, name="of_time")
        self.shortcut = layers.Dense(filters, dtype=policy, name="shortcut")

    def build(self, input_shape):
        """Creates the weights."""
        x_shape, time_shape = input_shape
        inner = (*x_shape[:-1], self.filters)
        for part, shape in zip(
            (*self.norms, *self.convs, self.of_time, self.shortcut),
            (x_shape, inner, x_shape, inner, time_shape, x_shape),
            strict=True,
        ):
            part.build(shape)

    def call(self, inputs):
        """A map [batch, h, w, c] and the time [batch, units] to a map [batch, h, w, filters]."""
        x, time = inputs
        factor, offset = tf.split(self.of_time(time)[:, tf.newaxis, tf.newaxis], 2, axis=-1)
        y = self.convs[0](tf.nn.silu(self.norms[0](x)))
        y = self.convs[1](tf.nn.silu(self.norms[1](y) * (1 + factor) + offset))
        return self.shortcut(x) + y
