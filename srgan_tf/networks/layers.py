"""Custom layers that Keras does not have."""

import keras
import numpy as np
import tensorflow as tf

from srgan_tf.networks import denoiser, sampling, window_attention  # noqa: F401 - registers their layers


@keras.saving.register_keras_serializable("srgan_tf")
class BilinearUpsampling(keras.layers.Layer):
    """Bilinear upsampling by an integer factor, with half-pixel centres.

    `keras.layers.UpSampling2D` fails in a graph with unknown height and width (Keras 3.15 compares a symbolic size
    with zero).

    Args:
        scale: the upsampling factor.
    """

    def __init__(self, scale, **options):
        super().__init__(**options)
        self.scale = scale

    def call(self, image):
        """Float [batch, height, width, channels] to [batch, scale * height, scale * width, channels]."""
        return tf.image.resize(image, tf.shape(image)[1:3] * self.scale, "bilinear")

    def compute_output_shape(self, input_shape):
        """Unknown sizes stay unknown."""
        batch, height, width, channels = input_shape
        return batch, height and height * self.scale, width and width * self.scale, channels

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | {"scale": self.scale}


@keras.saving.register_keras_serializable("srgan_tf")
class BilinearResizing(keras.layers.Layer):
    """Bilinear resizing of a feature map to the size of another, with half-pixel centres."""

    def call(self, inputs):
        """A list of two feature maps [batch, height, width, channels]: the one to resize and the one with the size."""
        image, like = inputs
        return tf.cast(tf.image.resize(image, tf.shape(like)[1:3], "bilinear"), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """The size of the second feature map with the channels of the first."""
        image, like = input_shape
        return *like[:3], image[3]


@keras.saving.register_keras_serializable("srgan_tf")
class SpectralConv2D(keras.layers.Conv2D):
    """A convolution whose kernel is divided by its largest singular value (Miyato et al. 2018, section 2.1).

    The kernel is treated as a matrix [height * width * channels, filters], as in the paper. Each call in training mode
    runs one step of the power iteration. (`keras.layers.SpectralNormalization` overwrites the kernel with the
    normalized one: no gradient flows through the singular value, and every forward pass changes the weights.)

    Args:
        filters: output channels. All arguments are those of `keras.layers.Conv2D`.
    """

    def build(self, input_shape):
        """Creates the kernel and the right singular vector of the power iteration."""
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
        """`keras.layers.Conv2D` with the normalized kernel."""
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
class WeightNormConv2D(keras.layers.Conv2D):
    """A convolution whose filters are gain * kernel / |kernel|, each with its own gain (Salimans & Kingma 2016).

    Args:
        filters: output channels. Other arguments are those of `keras.layers.Conv2D`.
        kernel_size: side of the kernel.
        gain_initializer: initial norm of the filters.
    """

    def __init__(self, filters, kernel_size, *, gain_initializer="ones", **options):
        super().__init__(filters, kernel_size, **options)
        self.gain_initializer = keras.initializers.get(gain_initializer)

    def build(self, input_shape):
        """Creates the kernel, whose norm has no effect, and the gains."""
        super().build(input_shape)
        self.gain = self.add_weight((self.filters,), initializer=self.gain_initializer, autocast=False, name="gain")

    def call(self, inputs):
        """`keras.layers.Conv2D` with the normalized kernel."""
        outputs = self.convolution_op(inputs, tf.cast(self.normalized_kernel(), self.compute_dtype))
        if self.use_bias:
            outputs += self.bias
        return outputs if self.activation is None else self.activation(outputs)

    def normalized_kernel(self):
        """The kernel of the convolution, float32 [height, width, channels, filters]."""
        return self.gain * tf.math.l2_normalize(tf.cast(self.kernel, tf.float32), axis=(0, 1, 2))

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | {"gain_initializer": keras.initializers.serialize(self.gain_initializer)}

    def save_own_variables(self, store):
        """All variables; Keras's convolutions save the kernel and the bias alone."""
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        """See `save_own_variables`."""
        keras.layers.Layer.load_own_variables(self, store)


@keras.saving.register_keras_serializable("srgan_tf")
class MaximumPReLU(keras.layers.PReLU):
    """PReLU computed as max(x, slope * x), which requires slopes of at most 1."""

    def call(self, x):
        """See `keras.layers.PReLU`."""
        return keras.ops.maximum(x, self.alpha * x)


@keras.saving.register_keras_serializable("srgan_tf")
class ConvBeforeShuffle(keras.layers.Conv2D):
    """A convolution moved in front of a pixel shuffle: the same result, computed at low resolution.

    The weights are those of the original convolution, which follows the shuffle. The kernel of this layer is larger
    and mostly zeros (see `kernel_before_shuffle`). It is rebuilt from the weights in each call, at a negligible cost.

    Args:
        filters: filters of the original convolution (odd kernel size, zero padding, no activation).
        kernel_size: (height, width) of the original kernel.
        block: r, the upsampling factor of the shuffle.
        **options: as in `keras.layers.Conv2D`.
    """

    def __init__(self, filters, kernel_size, block, **options):
        self.block = block
        self._after = {"filters": filters, "kernel_size": tuple(kernel_size)}
        super().__init__(block**2 * filters, [2 * _radius(size, block) + 1 for size in kernel_size], **options)

    def build(self, input_shape):
        """Creates the weights of the original convolution."""
        filters, channels = self._after["filters"], input_shape[-1] // self.block**2
        self.taps = self.add_weight((*self._after["kernel_size"], channels, filters), name="taps")
        self.offsets = self.add_weight((filters,), name="offsets") if self.use_bias else None

    def call(self, x):
        """[batch, height, width, r * r * channels] to [batch, height, width, r * r * filters]."""
        x = self.convolution_op(x, self.shuffled_kernel())
        return x + tf.tile(self.offsets, [self.block**2]) if self.use_bias else x

    def shuffled_kernel(self):
        """The kernel of this layer, [height, width, r * r * channels, r * r * filters]."""
        return kernel_before_shuffle(tf.convert_to_tensor(self.taps), self.block)

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | self._after | {"block": self.block}


def kernel_before_shuffle(kernel, block):
    """The kernel of the convolution before a pixel shuffle that equals a convolution after it.

    After the shuffle, output row r y + i depends on rows r y + i + d, where d is the offset of a kernel tap. Before the
    shuffle, that is row y + floor((i + d) / r), phase (i + d) mod r. The r x r output phases become channels, and each
    of them uses the kernel shifted by its phase.

    Args:
        kernel: [k, k, in, out], k odd.
        block: r, the upsampling factor of the shuffle.

    Returns:
        Tensor [n, n, block^2 in, block^2 out], n = 2 ceil((k - 1) / (2 block)) + 1.
    """
    height, width, channels, filters = kernel.shape

    def padding(size, phase):
        before = block * _radius(size, block) - size // 2 + phase
        return before, block * (2 * _radius(size, block) + 1) - size - before

    phases = [
        tf.pad(kernel, [padding(height, row), padding(width, column), (0, 0), (0, 0)])
        for row, column in np.ndindex(block, block)
    ]
    rows, columns = (2 * _radius(size, block) + 1 for size in (height, width))
    kernel = tf.reshape(tf.stack(phases, axis=3), (rows, block, columns, block, channels, block**2 * filters))
    return tf.reshape(
        tf.transpose(kernel, (0, 2, 1, 3, 4, 5)), (rows, columns, block**2 * channels, block**2 * filters)
    )


def _radius(size, block):
    """Radius of an odd kernel of a convolution after a shuffle, in pixels before the shuffle, rounded up."""
    return -(-(size // 2) // block)
