"""MATLAB-like bicubic resizing: the degradation of "bicubic x4" benchmarks, and the baseline of the scores.

The bicubic resizing of other libraries differs: by 15 dB in downscaling without antialiasing (OpenCV, the default of
PyTorch), by one or two grey levels in Pillow (the same kernel, but weights rounded to 8 bits).
"""

import numpy as np

from srgan_tf.images.tiling import row_blocks


def imresize(image, height, width):
    """Resizes like MATLAB's `imresize(image, [height width], "bicubic")`, with antialiasing in downscaling.

    The height is resized first, then the width. uint8 images are rounded after each of the two, as in MATLAB. This
    reproduces the LR images of the published benchmark sets exactly.

    Args:
        image: [height, width, channels], uint8 or float, an array.
        height: height of the result, pixels.
        width: width of the result, pixels.

    Returns:
        [height, width, channels] array: uint8 for uint8 input (rounded, clipped), else float64 (not clipped).
    """
    if min(height, width) < 1:
        raise ValueError(f"`height` and `width` must be at least 1. Received: {height}, {width}")
    for axis, size in ((0, height), (1, width)):
        image = _like(image, np.asarray(_resize_axis(image, size, axis)))
    return image


def _like(image, resized):
    """The resized image: rounded if the image is uint8. MATLAB rounds halves up; numpy's rint rounds them to even."""
    return np.clip(np.floor(resized + 0.5), 0, 255).astype(np.uint8) if image.dtype == np.uint8 else resized


def resize_to_positions(image, rows, columns):
    """The pixels of an enlarged image at some rows and columns: those of `imresize`, up to float32 positions.

    Args:
        image: [height, width, channels], uint8 or float, an array.
        rows: float32 [n, 4], positions; see `images.positions.axis_positions`.
        columns: float32 [m, 4].

    Returns:
        [n, m, channels] array: uint8 for uint8 input (rounded after each of the two, clipped), else float64.
    """
    for axis, positions in ((0, rows), (1, columns)):
        centre = positions[:, 0].astype(np.float64) + positions[:, 1]
        indices = np.floor(centre).astype(np.int64)[:, np.newaxis] + np.arange(-1, 3)
        weights = _cubic(centre[:, np.newaxis] - indices)
        image = _like(image, _weighted(image, weights, _mirrored(indices, image.shape[axis]), axis))
    return image


def resize_matrix(in_size, out_size):
    """The float64 matrix [out_size, in_size] of `imresize` for one axis, borders included."""
    weights, indices = _contributions(in_size, out_size)
    matrix = np.zeros((out_size, in_size))
    np.add.at(matrix, (np.arange(out_size)[:, np.newaxis], indices), weights)
    return matrix


def resize_stripes(stripes, in_height, height, width):
    """Streaming `imresize`: the input and the result are stripes of rows. The same values in less memory.

    Args:
        stripes: iterable of float [rows, width, channels] arrays, from top to bottom.
        in_height: total number of input rows.
        height: height of the result, pixels.
        width: width of the result, pixels.

    Yields:
        float64 [rows, width, channels] arrays, from top to bottom.
    """
    weights, indices = _contributions(in_height, height)
    last_needed = np.maximum.accumulate(indices.max(axis=1))
    first_needed = np.minimum.accumulate(indices.min(axis=1)[::-1])[::-1]
    done, start, held = 0, 0, None  # yielded rows; index of the first buffered row; the buffered rows
    for block in row_blocks(stripes):
        held = block if held is None else np.concatenate([held, block])
        ready = int(np.searchsorted(last_needed, start + len(held)))
        if ready > done:
            rows = _weighted(held, weights[done:ready], indices[done:ready] - start, 0)
            yield _resize_axis(rows, width, 1)
            done = ready
        if done < height:
            unneeded = max(int(first_needed[done]) - start, 0)
            held, start = held[unneeded:], start + unneeded


def _resize_axis(image, size, axis):
    return _weighted(image, *_contributions(image.shape[axis], size), axis)


def _weighted(image, weights, indices, axis):
    shape = [1] * image.ndim
    shape[axis] = len(weights)
    result = 0.0
    for tap in range(weights.shape[1]):
        result = result + np.take(image, indices[:, tap], axis) * weights[:, tap].reshape(shape)
    return result


def _contributions(in_size, out_size):
    """For each output pixel: the weights [out_size, taps] and the indices of its input pixels."""
    scale = out_size / in_size
    stretch = min(scale, 1.0)  # antialiasing: in downscaling the kernel is widened by the factor
    centre = (np.arange(out_size) + 0.5) / scale - 0.5
    radius = 2.0 / stretch
    taps = int(np.ceil(2 * radius)) + 1
    indices = np.floor(centre - radius).astype(np.int64)[:, np.newaxis] + np.arange(1, taps + 1)
    weights = stretch * _cubic(stretch * (centre[:, np.newaxis] - indices))
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.any(weights != 0, axis=0)
    return weights[:, used], _mirrored(indices[:, used], in_size)


def _mirrored(indices, size):
    """Indices of pixels; beyond the border the image is mirrored, with the edge pixel repeated."""
    mirrored = np.mod(indices, 2 * size)
    return np.where(mirrored < size, mirrored, 2 * size - 1 - mirrored)


def _cubic(distance):
    """Keys' cubic convolution kernel with a = -0.5 (Keys 1981, eq. 15)."""
    x = np.abs(distance)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))
