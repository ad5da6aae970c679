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
    weight = (alpha / np.float32(np.iinfo(alpha.dtype).max)).astype(np.float32)
    filled = np.rint(_filled(colour * weight, weight)).astype(colour.dtype)
    return np.where(visible, colour, filled)


def _filled(weighted, weight):
    """The mean colour of each pixel, from the finest pyramid level with nonzero weight there."""
    if min(weight.shape[:2]) == 1 and max(weight.shape[:2]) == 1:
        return weighted / np.maximum(weight, 1e-9)
    coarse = _filled(_halved(weighted), _halved(weight))
    coarse = coarse.repeat(2, axis=0).repeat(2, axis=1)[: weight.shape[0], : weight.shape[1]]
    return np.where(weight > 0, weighted / np.maximum(weight, 1e-9), coarse)


def _halved(image):
    """Sums of 2x2 blocks; odd sides are padded with zeros."""
    height, width = image.shape[:2]
    image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)))
    return image[0::2, 0::2] + image[1::2, 0::2] + image[0::2, 1::2] + image[1::2, 1::2]
