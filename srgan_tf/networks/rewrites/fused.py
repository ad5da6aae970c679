"""Activations of bfloat16 feature maps on CPUs, compiled by XLA: one pass over the map instead of several.

TensorFlow computes each operation of bfloat16 by itself, and each reads and writes the whole map: of 16 maps of
96x96x64, 4 ms for a product on two cores. XLA compiles them into one loop. Its convolutions are slower than oneDNN's,
so nothing else of the step is compiled.
"""

import tensorflow as tf


def can_fuse(x):
    """Whether the functions of this module serve a tensor: bfloat16, on a CPU that trains alone."""
    return x.dtype == tf.bfloat16 and not tf.config.list_physical_devices("GPU") and not tf.distribute.has_strategy()


@tf.custom_gradient
def fused_prelu(x, slopes):
    """PReLU.

    Args:
        x: bfloat16 [batch, height, width, channels].
        slopes: bfloat16 [1, 1, channels].

    Returns:
        bfloat16, the shape of `x`.
    """

    def gradient(upstream):
        products = tf.reshape(_product_where_negative(upstream, x), (-1, x.shape[-1]))
        # A matrix product adds in float32, and faster than a sum over bfloat16.
        ones = tf.ones((1, tf.shape(products)[0]), x.dtype)
        return _scale_where_negative(upstream, x, slopes), tf.reshape(tf.matmul(ones, products), tf.shape(slopes))

    return _scale_where_negative(x, x, slopes), gradient


def fused_leaky_relu(x, slope):
    """LeakyReLU.

    TensorFlow's gradient needs the input, and so keeps the convolution before it from computing the activation, too.

    Args:
        x: bfloat16, any shape.
        slope: a float above 0.

    Returns:
        bfloat16, the shape of `x`.
    """

    @tf.custom_gradient
    def activate(x):
        y = tf.nn.leaky_relu(x, slope)
        return y, lambda upstream: _scale_where_negative(upstream, y, tf.constant(slope, x.dtype))

    return activate(x)


@tf.function(jit_compile=True, autograph=False)
def _scale_where_negative(values, x, slopes):
    return tf.where(x > 0, values, values * slopes)


@tf.function(jit_compile=True, autograph=False)
def _product_where_negative(values, x):
    return tf.where(x > 0, tf.zeros((), x.dtype), values * x)
