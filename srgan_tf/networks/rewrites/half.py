"""Half precision at inference: a network whose feature maps are bfloat16 or float16, and whose pixels are float32."""

import keras

from srgan_tf.networks.denoiser import ResidualDiffusion
from srgan_tf.networks.precision import POLICIES
from srgan_tf.networks.rewrites.clone import Graph, Rewriting


def in_precision(model, precision):
    """A copy of a float32 network that computes its feature maps in another precision. Weights stay float32.

    Pixels stay float32: the layers whose only input is the image (the first convolution, an upsampled skip connection),
    and everything after the last convolutions (pixel shuffle, addition of the skip connection, activation). A last
    convolution is in half precision too if a skip connection of pixels is added to its result, since the detail that it
    adds is small, and before tanh, which bounds the error by 0.21 grey levels in bfloat16. Otherwise it stays
    float32, since half precision has fewer values in [0, 1] than uint8. Of a diffusion, the base image and the states
    stay float32.

    Args:
        model: functional `keras.Model` in float32.
        precision: "float32", "bfloat16" or "float16".

    Returns:
        `model` itself for "float32", else a new network with the same float32 inputs and outputs.
    """
    if precision == "float32":
        return model
    before, after, small = _weights_before(model), _weights_after(model), _of_small_error(model)
    rewriting = Rewriting()
    for layer in model.layers:
        if layer.name not in before or isinstance(layer, keras.layers.InputLayer):
            continue
        is_last = layer.name not in after and not isinstance(layer, ResidualDiffusion)
        if is_last and not (_has_kernel(layer) and layer.name in small):
            continue
        rewriting.layers[layer.name] = layer.from_config(layer.get_config() | {"dtype": POLICIES[precision]})
        if is_last:
            rewriting.calls[layer.name] = _call_and_cast
    return rewriting.apply(model)


def _has_kernel(operation):
    """Whether kernels are applied to the inputs. Those of a diffusion are not: it casts what its U-Net gets."""
    if isinstance(operation, ResidualDiffusion):
        return False
    return any(len(weight.shape) > 1 for weight in getattr(operation, "weights", ()))


def _weights_before(model):
    """Names of the operations that depend on a kernel applied before them."""
    graph, names = Graph(model), set()
    for operation in model.operations:
        if any(each.name in names or _has_kernel(each) for each in graph.producers(operation)):
            names.add(operation.name)
    return names


def _weights_after(model):
    """Names of the operations whose result a kernel is applied to later."""
    graph, names = Graph(model), set()
    for operation in reversed(model.operations):
        if operation.name in names or _has_kernel(operation):
            names.update(each.name for each in graph.producers(operation))
    return names


def _of_small_error(model):
    """Names of the operations whose result may be rounded.

    It is added to pixels that no kernel was applied to, or is the argument of tanh, perhaps after a pixel shuffle.
    """
    graph, before, names = Graph(model), _weights_before(model), set()
    for operation in reversed(model.operations):
        producers = graph.producers(operation)
        is_free = [each.name not in before and not _has_kernel(each) for each in producers]
        is_sum = isinstance(operation, keras.layers.Add) and any(is_free)
        is_tanh = getattr(operation, "activation", None) is keras.activations.tanh
        if is_sum or is_tanh or (operation.name in names and not _has_kernel(operation)):
            names.update(each.name for each, free in zip(producers, is_free, strict=True) if not free)
    return names


def _call_and_cast(operation, *inputs, **options):
    return keras.ops.cast(operation(*inputs, **options), "float32")
