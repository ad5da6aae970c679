"""Optimization of generators for inference: mathematically equivalent, faster.

`optimize_for_inference` applies the rewrites below. Each takes a functional network and returns a new one.
Unknown layers are copied unchanged, so every generator is supported.
"""

import functools

import numpy as np
from keras import layers

from srgan_tf.networks.layers import ConvBeforeShuffle, MaximumPReLU, WeightNormConv2D
from srgan_tf.networks.precision import as_float32
from srgan_tf.networks.rewrites.clone import (
    Graph,
    Rewriting,
    copy_of,
    is_plain_convolution,
    pass_on,
    shuffle_before,
)
from srgan_tf.networks.rewrites.half import in_precision


def optimize_for_inference(generator, precision="float32"):
    """A faster network that computes the same function, for inference only.

    Args:
        generator: functional `keras.Model` from LR to SR, in any precision; it is not modified.
        precision: of the feature maps, "float32", "bfloat16" or "float16"; see `half.in_precision`.

    Returns:
        `keras.Model` with the same float32 inputs and outputs and a copy of the weights. It must not be trained: the
        batch norms and weight norms are folded into convolutions.
    """
    plain = fold_batch_norms(fold_weight_norms(as_float32(generator)))
    return in_precision(maximize_prelus(shuffle_last(plain)), precision)


def fold_weight_norms(model):
    """Replaces each convolution with weight normalization by a plain one with the normalized kernel."""
    rewriting = Rewriting()
    for conv in model.layers:
        if isinstance(conv, WeightNormConv2D):
            config = {key: value for key, value in conv.get_config().items() if key != "gain_initializer"}
            rewriting.layers[conv.name] = layers.Conv2D.from_config(config)
            kernel = np.asarray(conv.normalized_kernel())
            rewriting.weights[conv.name] = [kernel, np.asarray(conv.bias)] if conv.use_bias else [kernel]
    return rewriting.apply(model)


def fold_batch_norms(model):
    """Folds each batch norm that follows a convolution into the convolution's kernel and bias.

    At inference y = gamma (x - mean) / sqrt(variance + epsilon) + beta: a factor and an offset per channel.
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
        rewriting.calls[norm.name] = pass_on
    return rewriting.apply(model)


def shuffle_last(model):
    """Moves the last convolution in front of the pixel shuffle before it, with the activations between them.

    The 9x9 tail of SRResNet from 64 channels to 3 becomes a 5x5 convolution from 256 to 12 channels at half the
    resolution. That is 25 % more arithmetic in a shape that hardware computes several times faster. See
    `layers.ConvBeforeShuffle`.

    Convolutions with more than a quarter as many output as input channels are not moved: they would not gain.
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
        rewriting.calls[shuffle.name] = pass_on
        rewriting.calls[conv.name] = functools.partial(_call_before, copy_of(shuffle))
    return rewriting.apply(model)


def store_shuffled_kernels(model):
    """Replaces each `ConvBeforeShuffle` by a plain convolution that stores the expanded kernel.

    For runtimes that need constant kernels to be fast, and whose converters do not fold the expansion.
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
    """Replaces each PReLU whose slopes are all at most 1 by max(x, slope * x): the same values, fewer operations."""
    rewriting = Rewriting()
    for layer in model.layers:
        if isinstance(layer, layers.PReLU) and np.max(layer.alpha) <= 1:
            rewriting.layers[layer.name] = MaximumPReLU.from_config(layer.get_config())
    return rewriting.apply(model)


def _call_before(second, first, x, **options):
    return second(first(x, **options))
