"""Keeping a network right when several requests run through it at once."""

import keras
import tensorflow as tf


class _Snapshot(keras.layers.Layer):
    """The same tensor; TensorFlow fuses nothing across it. Its memory is handed on, not copied."""

    def call(self, x):
        return tf.raw_ops.Snapshot(input=x)


def without_fused_sums(network):
    """A copy of a network, to be traced, whose sums TensorFlow does not fuse with the convolutions before them.

    The oneDNN kernel that convolves, adds a bias and adds a shortcut in one (TensorFlow 2.21, x86) keeps the shortcut's
    memory in itself, where another request finds it: measured on eight threads, one or two of 4,000 results were
    wrong, and processes crashed. Sums of their own give the same bits.

    Args:
        network: functional `keras.Model`.
    """
    convolved = []

    def call(operation, *inputs, **options):
        if type(operation).__name__ == "Add":  # of keras.layers or of keras.ops, whose class is not public
            inputs = keras.tree.map_structure(
                lambda x: _Snapshot()(x) if any(x is tensor for tensor in convolved) else x, inputs
            )
        output = operation(*inputs, **options)
        if isinstance(operation, keras.layers.Conv2D):
            convolved.append(output)
        return output

    copy = keras.models.clone_model(
        network, clone_function=lambda operation: operation.from_config(operation.get_config()), call_function=call
    )
    copy.set_weights(network.get_weights())
    return copy
