"""A generator rewritten for inference: equal in exact arithmetic, with less work for the machine.

`optimize_for_inference` applies the three rewrites below. Each takes a functional network and returns a new one; layers
that a rewrite does not know are copied unchanged, so it is safe on any generator.
"""

import functools

import numpy as np
from keras import layers

from srgan_tf.networks.layers import ConvBeforeShuffle, MaximumPReLU
from srgan_tf.networks.precision import as_float32
from srgan_tf.networks.rewrites.clone import Graph, Rewriting, copy_of, is_plain_convolution, shuffle_before


def optimize_for_inference(generator):
    """The same function as a faster network, for inference alone.

    Args:
        generator: functional `keras.Model` from LR to SR, in any precision; it is left as it is.

    Returns:
        `keras.Model` of the same inputs and outputs, float32, with weights of its own: later changes of the
        generator's are not seen. Batch norms are gone, so it must not be trained.
    """
    return maximize_prelus(shuffle_last(fold_batch_norms(as_float32(generator))))


def fold_batch_norms(model):
    """Multiplies each batch norm that follows a convolution into the convolution's kernel and bias.

    At inference the norm is y = gamma (x - mean) / sqrt(variance + epsilon) + beta: a factor and an offset a channel.
    """
    graph = Graph(model)
    rewriting = Rewriting()
    for norm in model.layers:
        conv = graph.only_producer(norm)
        if not (isinstance(norm, layers.BatchNormalization) and norm.axis in (-1, 3) and is_plain_convolution(conv)):
            continue
        gamma, beta, mean, variance = (
            default if weight is None else np.asarray(weight, np.float64)
            for weight, default in (
                (norm.gamma, 1.0),
                (norm.beta, 0.0),
                (norm.moving_mean, 0),
                (norm.moving_variance, 1),
            )
        )
        factor = gamma / np.sqrt(variance + norm.epsilon)
        bias = np.asarray(conv.bias, np.float64) if conv.use_bias else 0.0
        rewriting.layers[conv.name] = layers.Conv2D.from_config({**conv.get_config(), "use_bias": True})
        rewriting.weights[conv.name] = [np.asarray(conv.kernel) * factor, (bias - mean) * factor + beta]
        rewriting.calls[norm.name] = _pass_on
    return rewriting.apply(model)


def shuffle_last(model):
    """Moves the last convolution, and the activations between, before the pixel shuffle in front of them.

    SRResNet's 9x9 tail from 64 channels to 3 so becomes a 5x5 one from 256 to 12 at half size: a quarter more
    arithmetic, in a shape that machines do at a multiple of the rate. See `layers.ConvBeforeShuffle`.

    Worth it only where few channels are made of many, as in a tail to RGB: at most a quarter as many.
    """
    graph = Graph(model)
    rewriting = Rewriting()
    for conv in model.layers:
        found = shuffle_before(graph, conv)
        if found is None or 4 * conv.filters > conv.kernel.shape[2]:
            continue
        shuffle, between = found
        block = shuffle.block_size
        rewriting.layers[conv.name] = ConvBeforeShuffle.from_config(conv.get_config() | {"block": block})
        for layer in between:
            rewriting.weights[layer.name] = [np.tile(weight, block**2) for weight in layer.get_weights()]
        rewriting.calls[shuffle.name] = _pass_on
        rewriting.calls[conv.name] = functools.partial(_call_before, copy_of(shuffle))
    return rewriting.apply(model)


def store_shuffled_kernels(model):
    """Undoes the saving of `ConvBeforeShuffle`: what it makes of its weights in each call becomes the weights.

    For runtimes that are fastest where kernels are constants, and whose converters do not see that these are.
    """
    rewriting = Rewriting()
    for conv in model.layers:
        if isinstance(conv, ConvBeforeShuffle):
            config = conv.get_config() | {"filters": conv.filters, "kernel_size": conv.kernel_size}
            rewriting.layers[conv.name] = layers.Conv2D.from_config({k: v for k, v in config.items() if k != "block"})
            offsets = [np.tile(conv.offsets, conv.block**2)] if conv.use_bias else []
            rewriting.weights[conv.name] = [np.asarray(conv.shuffled_kernel()), *offsets]
    return rewriting.apply(model)


def maximize_prelus(model):
    """Computes max(x, slope x) for a PReLU where every slope is at most 1: there it is the same, in fewer steps."""
    rewriting = Rewriting()
    for layer in model.layers:
        if isinstance(layer, layers.PReLU) and np.max(layer.alpha) <= 1:
            rewriting.layers[layer.name] = MaximumPReLU.from_config(layer.get_config())
    return rewriting.apply(model)


def _pass_on(_operation, x, **_options):
    return x


def _call_before(second, first, x, **options):
    return second(first(x, **options))
