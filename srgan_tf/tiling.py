"""Upscaling in tiles: any local function over a picture too large for memory, joined without a seam."""

import numpy as np


def apply_tiled(function, image, *, scale, tile, halo):
    """Applies an upscaling function tile by tile and joins what it returns.

    Every tile is cut with a halo of real pixels around it, as far as the picture reaches, and only the result of its
    inside is kept. When `halo` is at least the function's receptive field, the joined picture equals the whole one.
    All tiles have one shape (those at the far edges are moved inwards), so a compiled function is traced once.

    Args:
        function: from an image [height, width, channels] to one of `scale` times the height and width.
        image: [height, width, channels] array.
        scale: the factor of `function`.
        tile: side of a tile without its halo, pixels of `image`.
        halo: context on each side, pixels of `image`.

    Returns:
        [scale * height, scale * width, channels] array of the function's dtype.

    Raises:
        ValueError: `tile` below 1 or `halo` below 0.
    """
    if tile < 1 or halo < 0:
        raise ValueError(f"`tile` must be at least 1 and `halo` at least 0. Received: tile={tile}, halo={halo}")
    height, width = image.shape[:2]
    joined = None
    for top, bottom, cut_top, cut_bottom in _spans(height, tile, halo):
        for left, right, cut_left, cut_right in _spans(width, tile, halo):
            result = np.asarray(function(image[cut_top:cut_bottom, cut_left:cut_right]))
            if joined is None:
                joined = np.empty((scale * height, scale * width, result.shape[-1]), result.dtype)
            rows = slice(scale * (top - cut_top), scale * (bottom - cut_top))
            columns = slice(scale * (left - cut_left), scale * (right - cut_left))
            joined[scale * top : scale * bottom, scale * left : scale * right] = result[rows, columns]
    return joined


def _spans(size, tile, halo):
    """Splits one axis: (start, stop) of each tile and (start, stop) of the cut that holds it and its halo."""
    cut = min(tile + 2 * halo, size)
    for start in range(0, size, tile):
        cut_start = min(max(start - halo, 0), size - cut)
        yield start, min(start + tile, size), cut_start, cut_start + cut
