"""Rewriting a functional network: which operation feeds which, and a copy with some of them changed."""

import collections

import keras
from keras import layers


class Graph:
    """Which operation feeds which."""

    def __init__(self, model):
        self._producers = {}  # KerasTensor id -> the operation that makes it
        self._uses = collections.Counter(id(tensor) for tensor in model.outputs)
        for operation in model.operations:
            self._uses.update(id(tensor) for tensor in keras.tree.flatten(operation.input))
            self._producers |= {id(tensor): operation for tensor in keras.tree.flatten(operation.output)}

    def only_producer(self, operation):
        """The operation whose one output feeds this one and nothing else; None if there is no such."""
        inputs = keras.tree.flatten(operation.input)
        if len(inputs) != 1 or self._uses[id(inputs[0])] != 1:
            return None
        return self._producers[id(inputs[0])]


class Rewriting:
    """What to change of a network, by the names of its operations: the layers, how they are called, their weights."""

    def __init__(self):
        self.layers = {}
        self.calls = {}
        self.weights = {}

    def apply(self, model):
        """A copy of the network with the changes."""
        names = {}  # of the originals: an operation that is no layer gets a new name

        def clone(operation):
            copy = self.layers.get(operation.name) or copy_of(operation)
            names[id(copy)] = operation.name
            return copy

        def call(operation, *inputs, **options):
            return self.calls.get(names[id(operation)], type(operation).__call__)(operation, *inputs, **options)

        copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
        for layer in copy.layers:
            if not layer.weights:  # a nameless input has another name in the copy
                continue
            layer.set_weights(self.weights.get(layer.name) or model.get_layer(layer.name).get_weights())
        return copy


def copy_of(operation):
    """A layer or an operation of the same settings, with weights of its own if it has any."""
    return operation.from_config(operation.get_config())


def shuffle_before(graph, conv):
    """The pixel shuffle in front of a convolution that may as well be computed before it.

    Args:
        graph: the `Graph` of the network.
        conv: one of its operations.

    Returns:
        `(shuffle, activations)`, the latter those in between; None if this is no such convolution: a plain one of
        stride 1 that keeps the size, behind a shuffle and activations with one slope a channel.
    """
    activations = []
    operation = graph.only_producer(conv)
    while isinstance(operation, layers.PReLU | layers.LeakyReLU | layers.ReLU):
        activations.append(operation)
        operation = graph.only_producer(operation)
    fits = (
        type(operation).__name__ == "DepthToSpace"  # keras.ops.depth_to_space: its class is not public
        and is_plain_convolution(conv)
        and conv.padding == "same"
        and conv.strides == conv.dilation_rate == (1, 1)
        and conv.groups == 1
        and all(size % 2 for size in conv.kernel_size)
        and all(list(layer.shared_axes or []) == [1, 2] for layer in activations if isinstance(layer, layers.PReLU))
    )
    return (operation, activations) if fits else None


def is_plain_convolution(operation):
    """Whether it is a `Conv2D`, of no derived class and without an activation."""
    return type(operation) is layers.Conv2D and operation.activation is keras.activations.linear
