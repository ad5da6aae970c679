"""The layer of window self-attention."""

import keras
import numpy as np
import tensorflow as tf


def _small():
    """The initializer of Swin Transformer's linear layers and position biases."""
    return keras.initializers.TruncatedNormal(stddev=0.02)


@keras.saving.register_keras_serializable("srgan_tf")
class WindowAttention(keras.layers.Layer):
    """Multi-head self-attention in local windows, with a learned relative position bias.

    The window attention of Liu et al. 2021 (Swin Transformer), section 3.2. A feature map of any size is padded to
    a multiple of the window size, and the padding is masked out. Windows are shifted by padding before the first row
    and column, where Swin rolls the feature map cyclically. Initial weights have a standard deviation of 0.02 as in the
    authors' code. With Keras's default, 0.18 for 32 channels, the first outputs are larger than the feature maps that
    they are added to.

    Args:
        num_heads: number of attention heads; must divide the number of channels.
        window_size: side of the square windows, pixels.
        shift: offset of the windows to the top left, pixels, below `window_size`.
    """

    def __init__(self, num_heads, window_size=8, shift=0, **options):
        super().__init__(**options)
        self.num_heads = num_heads
        self.window_size = window_size
        self.shift = shift
        # Row and column offset of each pair of pixels of a window, from 0: indices into the table of biases.
        positions = np.stack(np.divmod(np.arange(window_size**2), window_size), axis=-1)
        self._bias_indices = positions[:, np.newaxis] - positions + window_size - 1

    def build(self, input_shape):
        """Creates the projections and the table of relative position biases."""
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(f"`num_heads` must divide the {channels} channels. Received: {self.num_heads}")

        def dense(units, name):
            layer = keras.layers.Dense(units, kernel_initializer=_small(), dtype=self.dtype_policy, name=name)
            layer.build((None, channels))
            return layer

        self.qkv, self.projection = dense(3 * channels, "qkv"), dense(channels, "projection")
        span = 2 * self.window_size - 1
        self.position_bias = self.add_weight((span, span, self.num_heads), initializer=_small(), name="position_bias")

    def call(self, image):
        """[batch, height, width, channels] to the same shape."""
        size, heads = self.window_size, self.num_heads
        batch, height, width = tf.unstack(tf.shape(image)[:3])
        channels = image.shape[-1]
        rows, columns = ((length + self.shift + size - 1) // size for length in (height, width))
        below, beside = (rows * size - self.shift - height, columns * size - self.shift - width)
        padding = [[0, 0], [self.shift, below], [self.shift, beside], [0, 0]]

        def split(maps):
            """[n, height, width, c] to [n, windows, pixels per window, c]."""
            windows = tf.reshape(tf.pad(maps, padding), (-1, rows, size, columns, size, maps.shape[-1]))
            windows = tf.transpose(windows, (0, 1, 3, 2, 4, 5))
            return tf.reshape(windows, (-1, rows * columns, size**2, maps.shape[-1]))

        qkv = tf.reshape(self.qkv(split(image)), (batch, rows * columns, size**2, 3, heads, channels // heads))
        query, key, value = tf.unstack(qkv, axis=3)
        scores = tf.einsum("bwqhc,bwkhc->bwhqk", query * (channels // heads) ** -0.5, key)
        bias = tf.transpose(tf.gather_nd(self.position_bias, self._bias_indices), (2, 0, 1))
        outside = 1.0 - split(tf.ones((1, height, width, 1)))
        outside = tf.reshape(outside, (1, rows * columns, 1, 1, size**2))
        scores = tf.cast(scores + bias, tf.float32) - 1e9 * outside
        attended = tf.einsum("bwhqk,bwkhc->bwqhc", tf.cast(tf.nn.softmax(scores), value.dtype), value)
        joined = self.projection(tf.reshape(attended, (batch, rows * columns, size**2, channels)))
        joined = tf.reshape(joined, (batch, rows, columns, size, size, channels))
        joined = tf.reshape(tf.transpose(joined, (0, 1, 3, 2, 4, 5)), (batch, rows * size, columns * size, channels))
        return joined[:, self.shift : self.shift + height, self.shift : self.shift + width]

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """See `keras.layers.Layer`."""
        options = {"num_heads": self.num_heads, "window_size": self.window_size, "shift": self.shift}
        return super().get_config() | options
