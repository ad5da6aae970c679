"""Fills the colours of fully transparent pixels, so that upscaling does not mix them into visible edges."""

import numpy as np


def spread_colour(colour, alpha):
    """Replaces the colour of fully transparent pixels by that of visible pixels nearby; visible pixels do not change.

    The colour of a transparent pixel is arbitrary, mostly black, and upscaling would mix it into the visible edge. The
    new colour is the mean of the visible pixels in the smallest enclosing block of 2x2, 4x4, 8x8, ... pixels that has
    any, weighted by their alpha.

    Args:
        colour: uint8 or uint16 [height, width, channels] array.
        alpha: array [height, width, 1] of the same dtype.

    Returns:
        Array like `colour`.

    >>> spread_colour(np.uint8([[[200], [0]], [[100], [0]]]), np.uint8([[[255], [0]], [[255], [0]]]))[..., 0].tolist()
    [[200, 150], [100, 150]]
    """
    visible = alpha > 0
    if visible.all() or not visible.any():
        return colour
    result = colour.copy()
    _fill(result, alpha, _filled(*_halved_levels(colour, alpha)))
    return result


def _halved_levels(colour, alpha):
    """Sums over 2x2 blocks of the colours weighted by alpha, and of alpha, float32; converted a few rows at a time."""
    weighted, weights = [], []
    for rows in _row_blocks(alpha):
        weight = alpha[rows] / np.float32(np.iinfo(alpha.dtype).max)
        weighted.append(_halved(colour[rows] * weight))
        weights.append(_halved(weight))
    return np.concatenate(weighted), np.concatenate(weights)


def _filled(weighted, weight):
    """The mean colour of each pixel, from the finest pyramid level with nonzero weight there. Changes `weighted`."""
    coarse = _filled(_halved(weighted), _halved(weight)) if max(weight.shape[:2]) > 1 else None
    np.divide(weighted, weight, out=weighted, where=weight > 0)
    if coarse is not None:
        _fill(weighted, weight, coarse)
    return weighted


def _fill(image, weight, coarse):
    """Replaces the pixels of weight 0 by those of an image of half the size."""
    height, width = image.shape[:2]
    for rows in _row_blocks(image):
        start, stop = rows.start, min(rows.stop, height)
        enlarged = coarse[start // 2 : -(-stop // 2)].repeat(2, axis=0).repeat(2, axis=1)[: stop - start, :width]
        if np.issubdtype(image.dtype, np.integer):
            enlarged = np.rint(enlarged).astype(image.dtype)
        np.copyto(image[rows], enlarged, where=weight[rows] == 0)


def _row_blocks(image):
    """Slices of an even number of rows, about half a million pixels each."""
    height, width = image.shape[:2]
    rows = max(2, (1 << 18) // width * 2)
    return [slice(start, start + rows) for start in range(0, height, rows)]


def _halved(image):
    """Sums of 2x2 blocks; odd sides are padded with zeros."""
    height, width = image.shape[:2]
    image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)))
    return image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]
