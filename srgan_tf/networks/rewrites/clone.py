"""Tools to rewrite a functional network: its graph, and a copy with some operations replaced."""

import collections

import keras
from keras import layers


class Graph:
    """The producer of each tensor of a network, and how often each tensor is used."""

    def __init__(self, model):
        self._producers = {}  # KerasTensor id -> the operation that makes it
        self._uses = collections.Counter(id(tensor) for tensor in model.outputs)
        for operation in model.operations:
            self._uses.update(id(tensor) for tensor in keras.tree.flatten(operation.input))
            self._producers |= {id(tensor): operation for tensor in keras.tree.flatten(operation.output)}

    def producers(self, operation):
        """The operations that produce the inputs of this one."""
        return [self._producers[id(tensor)] for tensor in keras.tree.flatten(operation.input)]

    def only_producer(self, operation):
        """The operation that produces the only input of this one, if that input has no other use; else None."""
        inputs = keras.tree.flatten(operation.input)
        if len(inputs) != 1 or self._uses[id(inputs[0])] != 1:
            return None
        return self._producers[id(inputs[0])]


class Rewriting:
    """Changes to a network, by operation name: replaced layers, replaced calls, new weights."""

    def __init__(self):
        self.layers = {}
        self.calls = {}
        self.weights = {}

    def apply(self, model):
        """A copy of the network with the changes."""
        names = {}  # original names: a copied operation that is not a layer gets a new name

        def clone(operation):
            copy = self.layers.get(operation.name) or copy_of(operation)
            names[id(copy)] = operation.name
            return copy

        def call(operation, *inputs, **options):
            return self.calls.get(names[id(operation)], type(operation).__call__)(operation, *inputs, **options)

        copy = keras.models.clone_model(model, clone_function=clone, call_function=call)
        for layer in copy.layers:
            if not layer.weights:  # among them unnamed inputs, whose names differ in the copy
                continue
            layer.set_weights(self.weights.get(layer.name) or model.get_layer(layer.name).get_weights())
        return copy


def pass_on(_operation, x, **_options):
    """A call that returns its input: for operations that are left out."""
    return x


def copy_of(operation):
    """A new layer or operation with the same settings."""
    return operation.from_config(operation.get_config())


def shuffle_before(graph, conv):
    """The pixel shuffle before a convolution, if the convolution can be moved in front of it.

    That is possible for a plain "same" convolution of stride 1 and odd kernel size. Between the shuffle and the
    convolution there may be activations, with slopes per channel at most.

    Args:
        graph: the `Graph` of the network.
        conv: an operation of the network.

    Returns:
        `(shuffle, activations between)`, or None if the convolution cannot be moved.
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
    """Whether an operation is a `Conv2D` (not a subclass) without an activation."""
    return type(operation) is layers.Conv2D and operation.activation is keras.activations.linear
