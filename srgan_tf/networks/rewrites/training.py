"""A network rewritten for training: equal in exact arithmetic, the same weights, with less work for the machine.

Keras builds these layers of general operations; here they are its layers with another `call`. They compute what Keras's
do, and whatever else is asked of them they leave to Keras.
"""

import tensorflow as tf
from keras import layers

from srgan_tf.networks.layers import kernel_before_shuffle
from srgan_tf.networks.rewrites.clone import Graph, Rewriting, shuffle_before


class FusedBatchNormalization(layers.BatchNormalization):
    """Batch norm of [batch, height, width, channels] by TensorFlow's one operation for it.

    Keras's is a dozen passes over the map, in float32 with casts around them; the fused one reads half precision as it
    is and sums in float32. Inference, and statistics over several replicas, stay Keras's.
    """

    def call(self, inputs, training=None, mask=None):
        """See `keras.layers.BatchNormalization`."""
        if self.synchronized or not (training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        # It returns the unbiased variance; Keras averages the biased one.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1.0) / count
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(self.momentum * average + (1.0 - self.momentum) * value)
        return outputs


class FactorPReLU(layers.PReLU):
    """PReLU as one product, x times 1 or the slope, in half as many passes over the map."""

    def call(self, x):
        """See `keras.layers.PReLU`."""
        return x * tf.where(x > 0, tf.ones((), x.dtype), tf.cast(self.alpha, x.dtype))


class FoldedConv2D(layers.Conv2D):
    """A convolution of maps of even height and width, computed for two by two pixels at a time.

    Worth it where large kernels make few channels: SRResNet's tail, 9x9 from 64 channels to 3, so is a 5x5 one from 256
    to 12, a quarter more arithmetic in a shape that machines do at several times the rate.
    """

    def call(self, inputs):
        """See `keras.layers.Conv2D`."""
        kernel = kernel_before_shuffle(tf.convert_to_tensor(self.kernel), 2)
        outputs = tf.nn.conv2d(tf.nn.space_to_depth(inputs, 2), kernel, 1, "SAME")
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.tile(self.bias, [4]))
        return tf.nn.depth_to_space(outputs, 2)


def optimize_for_training(model):
    """The same function as a network that trains faster.

    Args:
        model: functional `keras.Model`; it is left as it is.

    Returns:
        `keras.Model` with the same weights in the same order, of its own. Their values are what to keep of it: files
        are written of the original's kind, which needs none of the layers here.
    """
    graph = Graph(model)
    rewriting = Rewriting()
    for layer in model.layers:
        if _is_norm_of_maps(layer):
            rewriting.layers[layer.name] = FusedBatchNormalization.from_config(layer.get_config())
        elif type(layer) is layers.PReLU:
            rewriting.layers[layer.name] = FactorPReLU.from_config(layer.get_config())
        elif _gains_by_folding(graph, layer):
            rewriting.layers[layer.name] = FoldedConv2D.from_config(layer.get_config())
    return rewriting.apply(model)


def _is_norm_of_maps(layer):
    if type(layer) is not layers.BatchNormalization or len(layer.input.shape) != 4:
        return False
    return layer.axis in (-1, 3) and layer.center and layer.scale


def _gains_by_folding(graph, layer):
    found = shuffle_before(graph, layer)
    return bool(found) and found[0].block_size % 2 == 0 and min(layer.kernel_size) >= 5 and layer.filters <= 4
