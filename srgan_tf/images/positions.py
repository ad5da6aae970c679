"""Positions of output pixels on the input grid, for resizing by any factor.

Both images cover the same area. With `n` input and `m` output pixels along an axis, the centre of output pixel `i` is
at input coordinate (2 i + 1) n / (2 m) - 1/2. All of this is integer arithmetic up to the last division, so a
position does not depend on where a tile starts.
"""

import math

import numpy as np


def scaled_size(size, factor):
    """The size of an image that is enlarged by any factor: rounded to the nearest pixel, at least 1.

    >>> scaled_size(10, 2.7), scaled_size(7, 0.01)
    (27, 1)
    """
    return max(1, round(size * factor))


def axis_positions(in_size, out_size, outputs=None):
    """The positions of output pixels along one axis.

    Args:
        in_size: input pixels along the axis.
        out_size: output pixels along the axis.
        outputs: int array [n] of output pixels; None for all.

    Returns:
        float32 [n, 4]: the index of the nearest input pixel (the pixel that contains the centre of the output pixel);
        the distance from its centre, in input pixels from -0.5 to 0.5; the size of an output pixel in input pixels; and
        the number of the output pixel.

    >>> axis_positions(2, 4)[:, :2].tolist()
    [[0.0, -0.25], [0.0, 0.25], [1.0, -0.25], [1.0, 0.25]]
    """
    outputs = np.arange(out_size) if outputs is None else np.asarray(outputs)
    twice = (2 * outputs.astype(np.int64) + 1) * in_size
    index = twice // (2 * out_size)
    offset = (twice - (2 * index + 1) * out_size) / (2 * out_size)
    step = np.full(len(outputs), in_size / out_size)
    return np.stack([index, offset, step, outputs], axis=1).astype(np.float32)


def first_output(in_index, in_size, out_size):
    """The first output pixel whose nearest input pixel is `in_index` or a later one.

    >>> [first_output(index, 2, 3) for index in (0, 1, 2)]
    [0, 1, 3]
    """
    return max(0, math.ceil((2 * in_index * out_size - in_size) / (2 * in_size)))


def flipped(positions, in_size):
    """The positions on the reversed axis, for an input that is flipped along it; pixels keep their numbers."""
    index, offset, step, number = np.moveaxis(positions[..., ::-1, :], -1, 0)
    return np.stack([in_size - 1 - index, -offset, step, number], axis=-1)
