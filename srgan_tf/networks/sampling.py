"""Layers that evaluate an image or coefficients at any positions, for upscaling by any factor.

Positions of an axis are float32 [batch, n, 4] with the columns of `images.positions.axis_positions`: index of the
nearest LR pixel, distance from its centre, size of an output pixel in LR pixels, number of the output pixel. All images
of a batch have the positions of the first.
"""

import keras
import numpy as np
import tensorflow as tf

_UNIT_VARIANCE = np.sqrt(12.0)  # of distances that are uniform in [-0.5, 0.5]


def attach(layer, parts):
    """Makes a layer's parts, layers in a list, its attributes too: `tf.train.Checkpoint` does not look into lists.

    Returns:
        The list.
    """
    for part in parts:
        setattr(layer, f"{part.name}_part", part)
    return parts


@keras.saving.register_keras_serializable("srgan_tf")
class Positions(keras.layers.Layer):
    """The positions of all output pixels of an image along one axis, for a factor.

    Args:
        scale: the factor; the output has `scale` times the input's pixels, rounded to the nearest number.
        axis: 1 for rows, 2 for columns.
    """

    def __init__(self, scale, axis, **options):
        super().__init__(**options)
        self.scale = scale
        self.axis = axis

    def call(self, image):
        """[batch, height, width, channels] to float32 [batch, n, 4]."""
        shape = tf.shape(image, tf.int64)
        size = shape[self.axis]
        if isinstance(self.scale, int):
            positions = _repeated_positions(size, self.scale)
        else:
            scaled = tf.cast(tf.round(tf.cast(size, tf.float64) * self.scale), tf.int64)
            positions = axis_positions(size, tf.maximum(scaled, 1))
        return tf.tile(positions[tf.newaxis], [shape[0], 1, 1])

    def compute_output_shape(self, input_shape):
        """Unknown sizes stay unknown."""
        size = input_shape[self.axis]
        return input_shape[0], None if size is None else max(1, round(size * self.scale)), 4

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | {"scale": self.scale, "axis": self.axis}


def axis_positions(in_size, out_size):
    """`images.positions.axis_positions` of all outputs, for int64 scalar tensors."""
    twice = (2 * tf.range(out_size) + 1) * in_size
    index = twice // (2 * out_size)
    offset = tf.cast(twice - (2 * index + 1) * out_size, tf.float32) / tf.cast(2 * out_size, tf.float32)
    step = tf.cast(in_size, tf.float32) / tf.cast(out_size, tf.float32)
    number = tf.range(tf.cast(out_size, tf.float32))
    return tf.stack([tf.cast(index, tf.float32), offset, tf.fill(tf.shape(offset), step), number], axis=1)


def _repeated_positions(in_size, scale):
    """`axis_positions` for an integer factor, without a division of integers, which LiteRT lacks."""
    index = tf.range(tf.cast(in_size, tf.float32))[:, tf.newaxis]
    number = index * scale + tf.range(float(scale))
    offset = (2 * tf.range(float(scale)) + (1 - scale)) / (2 * scale)
    columns = [index, offset, tf.constant(1 / scale), number]
    return tf.reshape(tf.stack([tf.broadcast_to(x, tf.shape(number)) for x in columns], axis=2), [-1, 4])


class _Sampling(keras.layers.Layer):
    """A layer of `[maps, rows, columns]`, in float32, with an output of 3 channels at each row and column.

    All sums are written out: the order of additions does not depend on the size, so tiles have the values of the whole.
    """

    def __init__(self, **options):
        super().__init__(**options | {"autocast": False})  # half precision has too few values for positions

    def compute_output_shape(self, input_shape):
        """A pixel at each position."""
        maps, rows, columns = input_shape
        return maps[0], rows[1], columns[1], 3

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config()  # not inherited: for a layer without its own, Keras loses the name


@keras.saving.register_keras_serializable("srgan_tf")
class BicubicSampling(_Sampling):
    """Bicubic interpolation at any positions; of enlarged images the same as `images.resize.imresize`."""

    def call(self, inputs):
        """Images [batch, h, w, 3], rows [batch, n, 4], columns [batch, m, 4] to [batch, n, m, 3]."""
        image, rows, columns = inputs
        for axis, positions in ((1, rows), (2, columns)):
            image = _interpolate(image, positions[0], axis)
        return image


def _interpolate(image, positions, axis):
    """Bicubic interpolation along one axis: four taps around each position, mirrored at the border."""
    size = tf.shape(image)[axis]
    index, offset = tf.cast(positions[:, 0], tf.int32), positions[:, 1]
    first = index - 2 + tf.cast(offset >= 0, tf.int32)  # of the four pixels within two pixels of the position
    total = 0.0
    for tap in range(4):
        pixel = first + tap
        weight = _cubic(tf.cast(index - pixel, tf.float32) + offset)
        mirrored = tf.math.floormod(pixel + 2 * size, 2 * size)  # converters truncate quotients below 0
        mirrored = tf.minimum(mirrored, 2 * size - 1 - mirrored)
        total += tf.gather(image, mirrored, axis=axis) * tf.reshape(weight, [-1] + [1] * (3 - axis))
    return total


def _cubic(distance):
    """Keys' cubic convolution kernel with a = -0.5 (Keys 1981, eq. 15)."""
    x = tf.abs(distance)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return tf.where(x <= 1.0, near, tf.where(x <= 2.0, far, 0.0))


@keras.saving.register_keras_serializable("srgan_tf")
class BasisSampling(_Sampling):
    """A weighted sum of basis functions of the position, whose weights are the coefficients of the nearest LR pixel.

    A small network of two hidden layers maps the distance from the nearest LR pixel and the size of an output pixel to
    `basis` values u. With u of an output row and v of an output column, the pixel is the sum over i and j of
    coefficient[i, j] u[i] v[j]. So the network is evaluated once for each row and each column, and the sums over i are
    done at LR width.

    Args:
        basis: number of basis functions of each axis.
        hidden: units of each hidden layer.
    """

    def __init__(self, basis, hidden, **options):
        super().__init__(**options)
        self.basis = basis
        self.hidden = hidden
        # Spread, so that the units of the first layer bend at different distances.
        biases = keras.initializers.RandomNormal(stddev=0.5)
        options = {"kernel_initializer": "lecun_normal", "bias_initializer": biases, "dtype": "float32"}
        sizes = enumerate((hidden, hidden, basis), start=1)
        self.network = attach(self, [keras.layers.Dense(units, name=f"dense{i}", **options) for i, units in sizes])

    def build(self, input_shape):
        """Creates the weights of the network."""
        del input_shape
        for layer, inputs in zip(self.network, (2, self.hidden, self.hidden), strict=True):
            layer.build((None, inputs))

    def call(self, inputs):
        """Coefficients [batch, h, w, 3 basis^2], rows [batch, n, 4], columns [batch, m, 4] to [batch, n, m, 3]."""
        maps, rows, columns = inputs
        maps = tf.cast(maps, tf.float32)
        for axis, positions in ((1, rows), (2, columns)):
            index = tf.cast(positions[0, :, 0], tf.int32)
            values = self.values(positions[0])
            maps = tf.add_n(
                [
                    tf.gather(part, index, axis=axis) * tf.reshape(values[:, i], [-1] + [1] * (3 - axis))
                    for i, part in enumerate(tf.split(maps, self.basis, axis=3))
                ]
            )
        return maps

    def values(self, positions):
        """The basis functions at positions [n, 4], [n, basis]."""
        x = tf.convert_to_tensor(positions)[:, 1:3] * (_UNIT_VARIANCE, 1.0)
        first, second, last = self.network
        return last(tf.nn.silu(second(tf.nn.silu(first(x)))))

    def get_config(self):
        """See `keras.layers.Layer`."""
        return super().get_config() | {"basis": self.basis, "hidden": self.hidden}
