"""A generator for any factor: a trunk at LR size, and learned basis functions of the output position."""

import keras
from keras import layers
from pydantic import PositiveInt, validate_call

from srgan_tf.networks.blocks import Scale, convolve
from srgan_tf.networks.compact import trunk
from srgan_tf.networks.rewrites.clone import Rewriting
from srgan_tf.networks.sampling import BasisSampling, BicubicSampling, Positions


@validate_call
def continuous(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 8,
    num_filters: PositiveInt = 32,
    basis: PositiveInt = 5,
    hidden: PositiveInt = 32,
) -> keras.Model:
    """Continuous super-resolution: one network for every factor, the task of LIIF (Chen et al. 2021).

    The trunk is that of `compact`. A 3x3 convolution makes `3 * basis^2` coefficients for each LR pixel. They weight
    basis functions of the position inside that pixel and of the factor, which a small network computes
    (`sampling.BasisSampling`). The result is the residual to bicubic interpolation.

    So the factor changes weights that are linear in the features, as in Meta-SR (Hu et al. 2019), and at `scale` the
    tail is as powerful as a convolution and a pixel shuffle if `basis` is at least `scale`. LIIF and LMF (He and Jin
    2024) run a network at each output pixel, which costs a CPU more than the whole trunk; here it runs once for each
    row and each column.

    The network upscales by `scale`. `at_scale` and `at_positions` give the same network at another factor.

    Args:
        scale: 2, 3, 4 or 8: the factor without another request, and the largest of the training.
        num_blocks: number of residual blocks of the trunk.
        num_filters: channels of the trunk.
        basis: number of basis functions of each axis.
        hidden: units of the two hidden layers of the network that computes them.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to `sr` float32 [batch, scale*height, scale*width, 3],
        which may exceed that range.
    """
    lr = keras.Input((None, None, 3), name="lr")
    rows = Positions(scale, 1, dtype="float32", name="rows")(lr)
    columns = Positions(scale, 2, dtype="float32", name="columns")(lr)
    x = trunk(lr, num_blocks, num_filters)
    x = convolve(x, 3 * basis**2, 3, "coefficients_conv", gain=0.03 / basis)
    # float32 from here: half precision has fewer values in [0, 1] than uint8.
    x = BasisSampling(basis, hidden, dtype="float32", name="basis")([x, rows, columns])
    skip = BicubicSampling(dtype="float32", name="bicubic")([lr, rows, columns])
    return keras.Model(lr, layers.Add(dtype="float32", name="sr")([x, skip]), name="continuous")


def is_continuous(generator):
    """Whether a generator can upscale by any factor."""
    return any(isinstance(operation, Positions) for operation in generator.operations)


def at_scale(generator, scale):
    """A copy of the network, weights included, for another factor.

    Args:
        generator: a continuous generator, in any precision.
        scale: the factor, an int, or a float for sizes that are rounded to the nearest pixel.

    Returns:
        Model from `lr` [batch, height, width, 3] to `sr` [batch, round(scale*height), round(scale*width), 3].
    """
    rewriting = Rewriting()
    for layer in generator.layers:
        if isinstance(layer, Positions):
            rewriting.layers[layer.name] = Positions.from_config(layer.get_config() | {"scale": scale})
    return rewriting.apply(generator)


def at_positions(generator):
    """The same network with the positions of the output pixels as inputs. It shares the layers and their weights.

    The layers belong to two models then, so the result can be called, but not be rewritten or cloned.

    Returns:
        Model from `[lr, rows, columns]` to `sr` [batch, n, m, 3]; `rows` float32 [batch, n, 4] and `columns` float32
        [batch, m, 4] are positions, see `srgan_tf.networks.sampling`.
    """
    lr = keras.Input((None, None, 3), name="lr")
    positions = {axis: keras.Input((None, 4), name=name) for axis, name in ((1, "rows"), (2, "columns"))}
    tensors = {id(generator.inputs[0]): lr}
    for operation in generator.operations:
        if isinstance(operation, layers.InputLayer):
            continue
        if isinstance(operation, Positions):
            output = positions[operation.axis]
        else:
            output = operation(keras.tree.map_structure(lambda tensor: tensors[id(tensor)], operation.input))
        tensors[id(operation.output)] = output
    outputs = [tensors[id(output)] for output in generator.outputs]
    return keras.Model([lr, *positions.values()], outputs if len(outputs) > 1 else outputs[0])
