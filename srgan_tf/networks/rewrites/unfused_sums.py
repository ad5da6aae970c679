"""Works around a thread-safety bug in oneDNN's fused convolution + bias + add kernel."""

import keras
import tensorflow as tf

from srgan_tf.networks.rewrites.clone import copy_of


class _Snapshot(keras.layers.Layer):
    """Identity that TensorFlow does not fuse across. It does not copy memory."""

    def call(self, x):
        return tf.raw_ops.Snapshot(input=x)


def without_fused_sums(network):
    """A copy of a network in which TensorFlow does not fuse additions with the convolutions before them.

    oneDNN's fused kernel of convolution, bias and shortcut addition (TensorFlow 2.21, x86) keeps a pointer to the
    shortcut's memory that concurrent requests share. On eight threads one or two of 4,000 results were wrong, and
    processes crashed. Separate additions give bit-identical results.

    Args:
        network: functional `keras.Model`.
    """
    convolved = []

    def call(operation, *inputs, **options):
        if type(operation).__name__ == "Add":  # from keras.layers or from keras.ops, whose class is not public
            inputs = keras.tree.map_structure(
                lambda x: _Snapshot()(x) if any(x is tensor for tensor in convolved) else x, inputs
            )
        output = operation(*inputs, **options)
        if isinstance(operation, keras.layers.Conv2D):
            convolved.append(output)
        return output

    copy = keras.models.clone_model(network, clone_function=copy_of, call_function=call)
    copy.set_weights(network.get_weights())
    return copy
