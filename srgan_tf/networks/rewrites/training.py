"""Optimization of networks for training: mathematically equivalent, with the same weights, faster.

The layers are subclasses of Keras layers with a faster `call`. They compute the same values. Cases that a faster
call does not support fall back to Keras.
"""

import tensorflow as tf
from keras import layers

from srgan_tf.networks.layers import kernel_before_shuffle
from srgan_tf.networks.rewrites.clone import Graph, Rewriting, pass_on, shuffle_before
from srgan_tf.networks.rewrites.fused import can_fuse, fused_leaky_relu, fused_prelu


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
    """PReLU as one product, x * where(x > 0, 1, slope): half as many passes over the feature map.

    Args:
        phases: r * r if the activation was moved in front of a pixel shuffle by r: each slope is used r * r times.
        **options: as in `keras.layers.PReLU`.
    """

    def __init__(self, phases=1, **options):
        super().__init__(**options)
        self.phases = phases

    def build(self, input_shape):
        """Creates the slopes."""
        super().build((*input_shape[:-1], input_shape[-1] // self.phases))
        self.input_spec = None  # it would refuse the channels of the other phases

    def call(self, x):
        """See `keras.layers.PReLU`."""
        shape, static_shape, slopes = tf.shape(x), x.shape, tf.cast(self.alpha, x.dtype)
        if self.phases > 1:
            x = tf.reshape(x, (shape[0], shape[1], -1, x.shape[-1] // self.phases))
        y = fused_prelu(x, slopes) if can_fuse(x) else x * tf.where(x > 0, tf.ones((), x.dtype), slopes)
        return tf.ensure_shape(tf.reshape(y, shape), static_shape) if self.phases > 1 else y


class OutputLeakyReLU(layers.LeakyReLU):
    """LeakyReLU whose gradient is computed from its output, so that it is fused with the convolution before it."""

    def call(self, x):
        """See `keras.layers.LeakyReLU`."""
        if can_fuse(x) and self.negative_slope > 0:
            return fused_leaky_relu(x, self.negative_slope)
        return super().call(x)


class FoldedConv2D(layers.Conv2D):
    """A convolution behind a pixel shuffle by two, computed in front of it.

    Faster for few output channels. The tail of SRResNet, 9x9 from 64 channels to 3, becomes a 5x5 convolution from 256
    to 12 at half the resolution: 25 % more arithmetic in a shape that hardware computes several times faster. The
    large feature map is not shuffled, only the result.
    """

    def build(self, input_shape):
        """Creates the kernel of the original convolution."""
        super().build((*input_shape[:-1], input_shape[-1] // 4))
        self.input_spec = None  # it would refuse the channels of the other phases

    def call(self, inputs):
        """[batch, height, width, 4 * channels] to [batch, 2 * height, 2 * width, filters]."""
        kernel = kernel_before_shuffle(tf.convert_to_tensor(self.kernel), 2)
        outputs = tf.nn.conv2d(inputs, kernel, 1, "SAME")
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, tf.tile(self.bias, [4]))
        return tf.nn.depth_to_space(outputs, 2)

    def compute_output_shape(self, input_shape):
        """The size after the shuffle."""
        batch, height, width, _ = input_shape
        return batch, height and 2 * height, width and 2 * width, self.filters


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
        elif type(layer) is layers.LeakyReLU:
            rewriting.layers[layer.name] = OutputLeakyReLU.from_config(layer.get_config())
        elif type(layer) is layers.PReLU:
            rewriting.layers.setdefault(layer.name, FactorPReLU.from_config(layer.get_config()))
        elif (found := shuffle_before(graph, layer)) and _is_faster_folded(found[0], layer):
            rewriting.layers[layer.name] = FoldedConv2D.from_config(layer.get_config())
            rewriting.calls[found[0].name] = pass_on
            for activation in found[1]:
                if type(activation) is layers.PReLU:
                    config = activation.get_config() | {"phases": 4}
                    rewriting.layers[activation.name] = FactorPReLU.from_config(config)
    return rewriting.apply(model)


def _is_norm_of_maps(layer):
    if type(layer) is not layers.BatchNormalization or len(layer.input.shape) != 4:
        return False
    return layer.axis in (-1, 3) and layer.center and layer.scale


def _is_faster_folded(shuffle, conv):
    # With 3x3, the arithmetic is the same where channels are computed by sixteens; bfloat16 is used on such CPUs.
    smallest = 3 if conv.compute_dtype == "bfloat16" else 5
    return shuffle.block_size == 2 and min(conv.kernel_size) >= smallest and conv.filters <= 4
