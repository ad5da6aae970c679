"""What a generator does to sizes: its factor, how far it looks, and the memory that its maps take."""

import math

import keras
from keras import layers

from srgan_tf.networks.layers import BilinearUpsampling

_POINTWISE = (
    layers.Activation,
    layers.Add,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.InputLayer,
    layers.LeakyReLU,
    layers.Multiply,
    layers.PReLU,
    layers.ReLU,
    layers.Rescaling,
)


def scale_of(generator):
    """The factor by which a generator enlarges.

    Raises:
        ValueError: the model does not map pictures of any size to pictures that are a whole factor larger.
    """
    shape = generator.input_shape
    if not (isinstance(shape, tuple) and shape[1:] == (None, None, 3)):
        raise ValueError(f"it takes {shape} and not pictures of any size, (None, None, None, 3)")
    output = generator.compute_output_shape((1, 8, 8, 3))
    if not (isinstance(output, tuple) and len(output) == 4 and output[1] == output[2] and output[1] % 8 == 0):
        raise ValueError(f"it makes {output} of an 8x8 picture")
    return output[1] // 8


def receptive_field(generator):
    """The greatest distance from which an input pixel can reach an output pixel, by walking the network.

    Args:
        generator: functional `keras.Model` of convolutions, pixel shuffles, enlargements and pointwise layers, each
            used once.

    Returns:
        Pixels of the input, each way, rounded up. None when the network has an operation whose reach is unknown here.

    >>> from srgan_tf.networks.generators import srresnet
    >>> receptive_field(srresnet(num_blocks=16, num_filters=2))  # (4 + 32 + 1) + 1 + 1/2 + 4/4
    40
    """
    reach = {}  # KerasTensor id -> (distance in input pixels, resolution relative to the input)
    for operation in generator.operations:
        inputs = operation.input if isinstance(operation.input, list) else [operation.input]
        # An operation comes after those that feed it; only the input layer is fed by nothing.
        distance = max((reach[id(tensor)][0] for tensor in inputs if id(tensor) in reach), default=0.0)
        resolution = max((reach[id(tensor)][1] for tensor in inputs if id(tensor) in reach), default=1)
        if isinstance(operation, layers.Conv2D | layers.DepthwiseConv2D) and operation.strides == (1, 1):
            spread = max((k - 1) * d for k, d in zip(operation.kernel_size, operation.dilation_rate, strict=True))
            distance += spread / 2 / resolution
        elif isinstance(operation, BilinearUpsampling):
            distance += 1 / resolution
            resolution *= operation.scale
        elif isinstance(operation, layers.UpSampling2D) and operation.interpolation == "nearest":
            resolution *= operation.size[0]
        elif type(operation).__name__ == "DepthToSpace":  # keras.ops.depth_to_space: its class is not public
            resolution *= operation.block_size
        elif isinstance(operation, layers.LayerNormalization):
            if list(operation.axis) not in ([-1], [3]):  # over more than a pixel's channels
                return None
        elif not isinstance(operation, _POINTWISE):
            return None
        reach[id(operation.output)] = (distance, resolution)
    return math.ceil(max(reach[id(tensor)][0] for tensor in generator.outputs))


def map_memory(generator):
    """Bytes of the feature maps that exist at once, at most, while a generator works, for each pixel of its input.

    Operations follow each other in the network's order, and a map is kept until its last use. What an operation needs
    for itself is not counted.

    Args:
        generator: functional `keras.Model` for pictures of any size, float32.

    >>> from srgan_tf.networks.generators import compact
    >>> map_memory(compact(num_filters=8)) / 4  # 48 values of the shuffle, of the enlarged input, and of their sum
    144.0
    """
    operations = generator.operations
    maps = [operation.output for operation in operations]
    side = 64
    shapes = keras.Model(generator.inputs, maps).compute_output_shape((1, side, side, 3))
    sizes = {id(x): 4 * math.prod(shape[1:]) / side**2 for x, shape in zip(maps, shapes, strict=True)}
    last_use = {id(x): place for place, operation in enumerate(operations) for x in keras.tree.flatten(operation.input)}
    most, alive = 0.0, {}
    for place, operation in enumerate(operations):
        alive[id(operation.output)] = sizes[id(operation.output)]
        most = max(most, sum(alive.values()))
        alive = {x: size for x, size in alive.items() if last_use.get(x, 0) > place}
    return most
