"""Layers that Keras lacks."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("srgan_tf")
class BilinearUpsampling(keras.layers.Layer):
    """Enlarges by a whole factor, bilinearly, pixel centres aligned.

    `keras.layers.UpSampling2D` would do, but fails in a graph whose height and width are open (Keras 3.15 asks a
    symbolic size whether it is positive).

    Args:
        scale: the factor.
    """

    def __init__(self, scale, **options):
        super().__init__(**options)
        self.scale = scale

    def call(self, image):
        """Float [batch, height, width, channels] to the same, `scale` times as high and wide."""
        return tf.image.resize(image, tf.shape(image)[1:3] * self.scale, "bilinear")

    def compute_output_shape(self, input_shape):
        """Open sizes stay open."""
        batch, height, width, channels = input_shape
        return batch, height and height * self.scale, width and width * self.scale, channels

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | {"scale": self.scale}


@keras.saving.register_keras_serializable("srgan_tf")
class BilinearResizing(keras.layers.Layer):
    """Resizes a feature map to the height and width of another, bilinearly, pixel centres aligned."""

    def call(self, inputs):
        """A list of the map and the one whose size it shall have, both [batch, height, width, channels]."""
        image, like = inputs
        return tf.cast(tf.image.resize(image, tf.shape(like)[1:3], "bilinear"), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The channels of the first, the size of the second."""
        image, like = input_shape
        return *like[:3], image[3]


@keras.saving.register_keras_serializable("srgan_tf")
class SpectralConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is divided by its largest singular value (Miyato et al. 2018, section 2.1).

    The kernel counts as a matrix of [height * width * channels, filters], as in the paper. Each call in training mode
    makes one step of the power iteration. (`keras.layers.SpectralNormalization` overwrites the kernel with the
    quotient, so that no gradient flows through the singular value and every forward pass changes the weights.)

    Args:
        filters: output channels; this and all others as in `keras.layers.Conv2D`.
    """

    def build(self, input_shape):
        """Makes the kernel, and the vector that the power iteration keeps."""
        super().build(input_shape)
        self.right_vector = self.add_weight(
            (self.filters,),
            initializer="random_normal",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",  # all replicas have the same kernel
            name="right_vector",
        )

    def call(self, inputs, training=False):
        """As `keras.layers.Conv2D`, with the normalised kernel."""
        matrix = tf.reshape(tf.cast(self.kernel, tf.float32), (-1, self.filters))
        constant = tf.stop_gradient(matrix)
        right = tf.convert_to_tensor(self.right_vector)
        left = tf.math.l2_normalize(tf.linalg.matvec(constant, right))
        if training:
            right = tf.math.l2_normalize(tf.linalg.matvec(constant, left, transpose_a=True))
            self.right_vector.assign(right)
        singular_value = tf.tensordot(left, tf.linalg.matvec(matrix, tf.math.l2_normalize(right)), 1)
        outputs = self.convolution_op(
            inputs, tf.cast(self.kernel / tf.cast(singular_value, self.kernel.dtype), self.compute_dtype)
        )
        if self.use_bias:
            outputs += self.bias
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable("srgan_tf")
class WindowAttention(keras.layers.Layer):
    """Multi-head self-attention inside windows, with a learned bias for each relative position.

    The window attention of Liu et al. 2021 (Swin Transformer), section 3.2. A picture of any size is padded to whole
    windows, and nothing attends to the padding; that also shifts the windows, by padding before the first row and
    column, where Swin rolls the picture around.

    Args:
        num_heads: heads; must divide the channels.
        window_size: side of the square windows, pixels.
        shift: how far the windows begin before the picture, pixels, below `window_size`.
    """

    def __init__(self, num_heads, window_size=8, shift=0, **options):
        super().__init__(**options)
        self.num_heads = num_heads
        self.window_size = window_size
        self.shift = shift
        # Row and column distance of each pair of a window's pixels, counted from 0: indices into the table of biases.
        places = np.stack(np.divmod(np.arange(window_size**2), window_size), axis=-1)
        self._bias_indices = places[:, np.newaxis] - places + window_size - 1

    def build(self, input_shape):
        """Makes the projections and the table of biases."""
        channels = input_shape[-1]
        if channels % self.num_heads:
            raise ValueError(f"`num_heads` must divide the {channels} channels. Received: {self.num_heads}")
        self.qkv = keras.layers.Dense(3 * channels, dtype=self.dtype_policy, name="qkv")
        self.qkv.build((None, channels))
        self.projection = keras.layers.Dense(channels, dtype=self.dtype_policy, name="projection")
        self.projection.build((None, channels))
        span = 2 * self.window_size - 1
        self.position_bias = self.add_weight((span, span, self.num_heads), initializer="zeros", name="position_bias")

    def call(self, image):
        """[batch, height, width, channels] to the same."""
        size, heads = self.window_size, self.num_heads
        batch, height, width = tf.unstack(tf.shape(image)[:3])
        channels = image.shape[-1]
        rows, columns = ((length + self.shift + size - 1) // size for length in (height, width))
        below, beside = (rows * size - self.shift - height, columns * size - self.shift - width)
        padding = [[0, 0], [self.shift, below], [self.shift, beside], [0, 0]]

        def split(maps):
            """[n, height, width, c] to [n, windows, pixels of one, c]."""
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
        """Unchanged."""
        return input_shape

    def get_config(self):
        """See `keras.layers.Layer`."""
        options = {"num_heads": self.num_heads, "window_size": self.window_size, "shift": self.shift}
        return super().get_config() | options


@keras.saving.register_keras_serializable("srgan_tf")
class MaximumPReLU(keras.layers.PReLU):
    """PReLU as one maximum, for slopes that are at most 1: max(x, slope x)."""

    def call(self, x):
        """See `keras.layers.PReLU`."""
        return keras.ops.maximum(x, self.alpha * x)


@keras.saving.register_keras_serializable("srgan_tf")
class ConvBeforeShuffle(keras.layers.Conv2D):
    """A convolution of what comes after a pixel shuffle, done before it; the shuffle comes after this layer then.

    The weights are those of the convolution after the shuffle: the kernel that this layer works with, see
    `kernel_before_shuffle`, has several times as many numbers, most of them zeros, and is made anew in each call, which
    takes no time beside the convolution.

    Args:
        filters: of the convolution after the shuffle, which has odd sides, zero padding and no activation.
        kernel_size: its (height, width).
        block: r, by which the shuffle enlarges.
        **options: as in `keras.layers.Conv2D`.
    """

    def __init__(self, filters, kernel_size, block, **options):
        self.block = block
        self._after = {"filters": filters, "kernel_size": tuple(kernel_size)}
        super().__init__(block**2 * filters, [2 * _reach(size, block) + 1 for size in kernel_size], **options)

    def build(self, input_shape):
        """Makes the weights of the convolution after the shuffle."""
        filters, channels = self._after["filters"], input_shape[-1] // self.block**2
        self.taps = self.add_weight((*self._after["kernel_size"], channels, filters), name="taps")
        self.offsets = self.add_weight((filters,), name="offsets") if self.use_bias else None

    def call(self, x):
        """[batch, height, width, r * r * channels] to [batch, height, width, r * r * filters]."""
        x = self.convolution_op(x, self.shuffled_kernel())
        return x + tf.tile(self.offsets, [self.block**2]) if self.use_bias else x

    def shuffled_kernel(self):
        """The kernel over the channels before the shuffle, [height, width, r * r * channels, r * r * filters]."""
        return kernel_before_shuffle(tf.convert_to_tensor(self.taps), self.block)

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | self._after | {"block": self.block}


def kernel_before_shuffle(kernel, block):
    """The kernel that does before a pixel shuffle what another does after it.

    Output pixel r y + i sees the taps d at rows r y + i + d, which lie in the unshuffled row y + floor((i + d) / r) as
    phase (i + d) mod r. The r x r output phases become channels, each with the kernel at another place.

    Args:
        kernel: [k, k, in, out], k odd.
        block: r, the factor of the shuffle.

    Returns:
        Tensor [n, n, block^2 in, block^2 out], n = 2 ceil((k - 1) / (2 block)) + 1.
    """
    height, width, channels, filters = kernel.shape

    def padding(size, phase):
        before = block * _reach(size, block) - size // 2 + phase
        return before, block * (2 * _reach(size, block) + 1) - size - before

    phases = [
        tf.pad(kernel, [padding(height, row), padding(width, column), (0, 0), (0, 0)])
        for row, column in np.ndindex(block, block)
    ]
    rows, columns = (2 * _reach(size, block) + 1 for size in (height, width))
    moved = tf.reshape(tf.stack(phases, axis=3), (rows, block, columns, block, channels, block**2 * filters))
    return tf.reshape(tf.transpose(moved, (0, 2, 1, 3, 4, 5)), (rows, columns, block**2 * channels, block**2 * filters))


def _reach(size, block):
    """How far a convolution of an odd side reaches, each way, in pixels before a shuffle."""
    return -(-(size // 2) // block)
