"""Colour where nothing is visible: what a resampling would otherwise drag into the edges."""

import numpy as np


def spread_colour(colour, alpha):
    """Gives fully transparent pixels the colour of the visible ones around them; visible ones stay as they are.

    The colour of a transparent pixel is anything, mostly black, and an enlargement would mix it into the edge. It is
    replaced by the mean of the visible pixels in the smallest of the blocks of 2, 4, 8, ... pixels that has any.

    Args:
        colour: uint8 or uint16 [height, width, channels] array.
        alpha: the same [height, width, 1].

    Returns:
        Array like `colour`.

    >>> spread_colour(np.uint8([[[200], [0]], [[100], [0]]]), np.uint8([[[255], [0]], [[255], [0]]]))[..., 0].tolist()
    [[200, 150], [100, 150]]
    """
    visible = alpha > 0
    if visible.all() or not visible.any():
        return colour
    weight = (alpha / np.float32(np.iinfo(alpha.dtype).max)).astype(np.float32)
    filled = np.rint(_filled(colour * weight, weight)).astype(colour.dtype)
    return np.where(visible, colour, filled)


def _filled(weighted, weight):
    """The mean colour of each pixel, from the finest level of a pyramid of sums that has any weight there."""
    if min(weight.shape[:2]) == 1 and max(weight.shape[:2]) == 1:
        return weighted / np.maximum(weight, 1e-9)
    coarse = _filled(_halved(weighted), _halved(weight))
    coarse = coarse.repeat(2, axis=0).repeat(2, axis=1)[: weight.shape[0], : weight.shape[1]]
    return np.where(weight > 0, weighted / np.maximum(weight, 1e-9), coarse)


def _halved(image):
    """Sums of blocks of 2x2; the last row and column of an odd side are alone."""
    height, width = image.shape[:2]
    image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)))
    return image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]
