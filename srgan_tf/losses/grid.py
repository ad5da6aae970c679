"""The grid of period `scale` that a pixel shuffle can leave: its energy in a picture, and a loss against it."""

import tensorflow as tf

_CELLS = 8  # periods in a window, each way


def phase_means(image, scale, cells=_CELLS):
    """Means by position modulo `scale`, in windows, without the window's own mean.

    Args:
        image: [batch, height, width, channels], at least one window of `scale * cells` pixels each way; what is left
            at the right and bottom is not used.
        scale: period of the grid, pixels.
        cells: periods in a window, each way.

    Returns:
        [batch, rows, columns, scale, scale, channels], one window for each row and column.

    Raises:
        ValueError: `image` is smaller than one window.
    """
    side = scale * cells
    rows, columns = image.shape[1] // side, image.shape[2] // side
    if not (rows and columns):
        raise ValueError(f"`image` must be at least {side}x{side} pixels. Received: shape {tuple(image.shape)}")
    image = image[:, : rows * side, : columns * side]
    image = tf.reshape(image, (-1, rows, cells, scale, columns, cells, scale, image.shape[3]))
    means = tf.reduce_mean(image, axis=(2, 5))  # [batch, rows, scale, columns, scale, channels]
    means = tf.transpose(means, (0, 1, 3, 2, 4, 5))
    return means - tf.reduce_mean(means, axis=(3, 4), keepdims=True)


def grid_energy(image, scale):
    """Root mean square of `phase_means`: 0 without a grid; a picture's own texture leaves a little.

    Args:
        image: as for `phase_means`.
        scale: period of the grid, pixels.

    Returns:
        Scalar of the image's dtype, in its units.
    """
    return tf.sqrt(tf.reduce_mean(tf.square(phase_means(image, scale))))


def grid_loss(hr, sr, scale):
    """Mean absolute difference of the phase means of `sr` and `hr`: a pixel loss on the grid alone.

    Args:
        hr: float32 [batch, height, width, channels]; patches smaller than a window use one window of whole periods.
        sr: the same shape.
        scale: period of the grid, pixels.

    Returns:
        float32 scalar.
    """
    cells = min(_CELLS, *(side // scale for side in hr.shape[1:3]))
    return tf.reduce_mean(tf.abs(phase_means(sr - hr, scale, cells)))
