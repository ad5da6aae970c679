"""Optimization of networks for training: mathematically equivalent, with the same weights, faster.

The layers are subclasses of Keras layers with a faster `call`. They compute the same values. Cases that a faster
call does not support fall back to Keras.
"""

import tensorflow as tf
from keras import layers

from srgan_tf.networks.layers import kernel_before_shuffle
from srgan_tf.networks.rewrites.clone import Graph, Rewriting, shuffle_before


class FusedBatchNormalization(layers.BatchNormalization):
    """Batch norm of [batch, height, width, channels] by TensorFlow's fused operation.

    Keras's own needs a dozen passes over the feature map, in float32 with casts. The fused operation reads half
    precision directly and accumulates in float32. Inference and statistics synchronized over replicas use Keras's.
    """

    def call(self, inputs, training=None, mask=None):
        """See `keras.layers.BatchNormalization`."""
        if self.synchronized or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        # The fused operation returns the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1.0) / count
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(self.momentum * average + (1.0 - self.momentum) * value)
        return outputs


class FactorPReLU(layers.PReLU):
    """PReLU as one product, x * where(x > 0, 1, slope): half as many passes over the feature map."""

    def call(self, x):
        """See `keras.layers.PReLU`."""
        return x * tf.where(x > 0, tf.ones((), x.dtype), tf.cast(self.alpha, x.dtype))


class FoldedConv2D(layers.Conv2D):
    """A convolution of feature maps of even height and width, computed at half the resolution.

    Faster for large kernels with few output channels. The tail of SRResNet, 9x9 from 64 channels to 3, becomes a 5x5
    convolution from 256 to 12: 25 % more arithmetic in a shape that hardware computes several times faster.
    """

    def call(self, inputs):
        """See `keras.layers.Conv2D`."""
        kernel = kernel_before_shuffle(tf.convert_to_tensor(self.kernel), 2)
        outputs = tf.nn.conv2d(tf.nn.space_to_depth(inputs, 2), kernel, 1, "SAME")
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.tile(self.bias, [4]))
        return tf.nn.depth_to_space(outputs, 2)


def optimize_for_training(model):
    """A network that computes the same function and trains faster.

    Args:
        model: functional `keras.Model`; it is not modified.

    Returns:
        `keras.Model` with a copy of the weights in the same order. Do not save it: copy its weights into a network of
        the original architecture, which needs none of the layers of this module.
    """
    graph = Graph(model)
    rewriting = Rewriting()
    for layer in model.layers:
        if _is_norm_of_maps(layer):
            rewriting.layers[layer.name] = FusedBatchNormalization.from_config(layer.get_config())
        elif type(layer) is layers.PReLU:
            rewriting.layers[layer.name] = FactorPReLU.from_config(layer.get_config())
        elif _is_faster_folded(graph, layer):
            rewriting.layers[layer.name] = FoldedConv2D.from_config(layer.get_config())
    return rewriting.apply(model)


def _is_norm_of_maps(layer):
    if type(layer) is not layers.BatchNormalization or len(layer.input.shape) != 4:
        return False
    return layer.axis in (-1, 3) and layer.center and layer.scale


def _is_faster_folded(graph, layer):
    found = shuffle_before(graph, layer)
    return bool(found) and found[0].block_size % 2 == 0 and min(layer.kernel_size) >= 5 and layer.filters <= 4
