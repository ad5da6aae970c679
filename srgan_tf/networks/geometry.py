"""Scale, receptive field and feature-map memory of a generator."""

import math

import keras
from keras import layers

from srgan_tf.networks.layers import BilinearUpsampling
from srgan_tf.networks.sampling import BasisSampling, BicubicSampling, Positions

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
    BasisSampling,
    Positions,
)


def scale_of(generator):
    """The upscaling factor of a generator.

    Raises:
        ValueError: the model does not map images of any size to images larger by an integer factor.
    """
    shape = getattr(generator, "input_shape", None)  # a Sequential that was never built has none
    if not (isinstance(shape, tuple) and shape[1:] == (None, None, 3)):
        raise ValueError(f"its input shape is {shape}, expected (None, None, None, 3)")
    output = generator.compute_output_shape((1, 8, 8, 3))
    if not (isinstance(output, tuple) and len(output) == 4 and output[1] == output[2] and output[1] % 8 == 0):
        raise ValueError(f"its output shape for an 8x8 image is {output}")
    return output[1] // 8


def receptive_field(generator):
    """The radius of the receptive field, computed from the layers.

    Args:
        generator: functional `keras.Model` of convolutions, pixel shuffles, upsampling and pointwise layers, each used
            once.

    Returns:
        Input pixels in each direction, rounded up. None if the network has an operation that is unknown here or that
        depends on the whole image.

    >>> from srgan_tf.networks.generators import srresnet
    >>> receptive_field(srresnet(num_blocks=16, num_filters=2))  # (4 + 32 + 1) + 1 + 1/2 + 4/4
    40
    """
    fields = {}  # KerasTensor id -> (radius in input pixels, resolution relative to the input)
    for operation in generator.operations:
        inputs = operation.input if isinstance(operation.input, list) else [operation.input]
        # Operations are in topological order; only the input layer has no inputs.
        radius = max((fields[id(tensor)][0] for tensor in inputs if id(tensor) in fields), default=0.0)
        resolution = max((fields[id(tensor)][1] for tensor in inputs if id(tensor) in fields), default=1)
        if isinstance(operation, layers.Conv2D | layers.DepthwiseConv2D) and operation.strides == (1, 1):
            spread = max((k - 1) * d for k, d in zip(operation.kernel_size, operation.dilation_rate, strict=True))
            radius += spread / 2 / resolution
        elif isinstance(operation, BilinearUpsampling):
            radius += 1 / resolution
            resolution *= operation.scale
        elif isinstance(operation, BicubicSampling):
            radius += 2
        elif isinstance(operation, layers.UpSampling2D) and operation.interpolation == "nearest":
            resolution *= operation.size[0]
        elif type(operation).__name__ == "DepthToSpace":  # keras.ops.depth_to_space: its class is not public
            resolution *= operation.block_size
        elif type(operation).__name__ == "Cast":  # keras.ops.cast, in networks of half precision
            pass
        elif isinstance(operation, layers.LayerNormalization):
            if list(operation.axis) not in ([-1], [3]):  # not only over the channels of one pixel
                return None
        elif not isinstance(operation, _POINTWISE):
            return None
        fields[id(operation.output)] = (radius, resolution)
    return math.ceil(max(fields[id(tensor)][0] for tensor in generator.outputs))


def map_memory(generator):
    """Peak memory of the feature maps during a forward pass, bytes per input pixel.

    Operations run in the order of the network, and a feature map is kept until its last use. Workspace of the
    operations is not counted.

    Args:
        generator: functional `keras.Model` for images of any size, float32.

    >>> from srgan_tf.networks.generators import compact
    >>> map_memory(compact(num_filters=8)) / 4  # 48 values each: the shuffled map, the upsampled input, their sum
    144.0
    """
    operations = generator.operations
    maps = [operation.output for operation in operations]
    side = 64
    shapes = keras.Model(generator.inputs, maps).compute_output_shape((1, side, side, 3))
    sizes = {id(x): 4 * math.prod(shape[1:]) / side**2 for x, shape in zip(maps, shapes, strict=True)}
    last_use = {id(x): index for index, operation in enumerate(operations) for x in keras.tree.flatten(operation.input)}
    peak, alive = 0.0, {}
    for index, operation in enumerate(operations):
        alive[id(operation.output)] = sizes[id(operation.output)]
        peak = max(peak, sum(alive.values()))
        alive = {x: size for x, size in alive.items() if last_use.get(x, 0) > index}
    return peak
