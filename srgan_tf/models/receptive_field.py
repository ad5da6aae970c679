"""How far a generator looks: the halo that makes tiles equal to the whole picture."""

import math

from keras import layers

from srgan_tf.models.layers import BilinearUpsampling

_POINTWISE = (
    layers.Activation,
    layers.Add,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.InputLayer,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ReLU,
    layers.Rescaling,
)


def receptive_field(generator):
    """The greatest distance from which an input pixel can reach an output pixel, by walking the network.

    Args:
        generator: functional `keras.Model` of convolutions, pixel shuffles, enlargements and pointwise layers, each
            used once.

    Returns:
        Pixels of the input, each way, rounded up.

    Raises:
        ValueError: the network has an operation whose reach is unknown here or unbounded.

    >>> from srgan_tf.models.generators import srresnet
    >>> receptive_field(srresnet(num_blocks=16, num_filters=2))  # (4 + 32 + 1) + 1 + 1/2 + 4/4
    40
    """
    reach = {}  # KerasTensor id -> (distance in input pixels, resolution relative to the input)
    for operation in generator.operations:
        inputs = operation.input if isinstance(operation.input, list) else [operation.input]
        # An operation comes after those that feed it; only the input layer is fed by nothing.
        distance = max((reach[id(tensor)][0] for tensor in inputs if id(tensor) in reach), default=0.0)
        resolution = max((reach[id(tensor)][1] for tensor in inputs if id(tensor) in reach), default=1)
        if isinstance(operation, layers.Conv2D) and operation.strides == (1, 1):
            spread = max((k - 1) * d for k, d in zip(operation.kernel_size, operation.dilation_rate, strict=True))
            distance += spread / 2 / resolution
        elif isinstance(operation, BilinearUpsampling):
            distance += 1 / resolution
            resolution *= operation.scale
        elif type(operation).__name__ == "DepthToSpace":  # keras.ops.depth_to_space: its class is not public
            resolution *= operation.block_size
        elif not isinstance(operation, _POINTWISE):
            raise ValueError(f"no receptive field is known for {operation.name!r} ({type(operation).__name__})")
        reach[id(operation.output)] = (distance, resolution)
    return math.ceil(max(reach[id(tensor)][0] for tensor in generator.outputs))
