"""Layers that Keras lacks."""

import keras
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
class MaximumPReLU(keras.layers.PReLU):
    """PReLU as one maximum, for slopes that are at most 1: max(x, slope x)."""

    def call(self, x):
        """See `keras.layers.PReLU`."""
        return keras.ops.maximum(x, self.alpha * x)
