"""Upscaling in tiles: a function over a picture too large for memory, applied in parts that join without a seam."""

import numpy as np

# Tiles that fade begin at multiples of this, so that the windows of a windowed attention are those of the whole; they
# are up to one pixel less than it longer than asked for.
WINDOW = 16


def apply_tiled(function, image, *, scale, tile, halo):
    """Applies an upscaling function tile by tile and joins what it returns; see `exact_stripes`.

    Returns:
        [scale * height, scale * width, channels] array of the function's dtype.
    """
    return np.concatenate(list(exact_stripes(function, image, scale=scale, tile=tile, halo=halo)))


def exact_stripes(function, image, *, scale, tile, halo):
    """Applies a local upscaling function tile by tile, and yields the result in stripes from top to bottom.

    Every tile is cut with a halo of real pixels around it, as far as the picture reaches, and only the result of its
    inside is kept. When `halo` is at least the function's receptive field, the joined picture equals the whole one.
    All tiles have one shape (those at the edges are moved inwards, and see the border as the whole picture would), so
    a compiled function is traced once.

    Args:
        function: from an image [height, width, channels] to one of `scale` times the height and width.
        image: [height, width, channels] array.
        scale: the factor of `function`.
        tile: side of a tile without its halo, pixels of `image`. It is an upper end: tiles share an axis evenly.
        halo: context on each side, pixels of `image`.

    Yields:
        Arrays [rows, scale * width, channels] of the function's dtype.

    Raises:
        ValueError: `tile` below 1 or `halo` below 0.
    """
    if tile < 1 or halo < 0:
        raise ValueError(f"`tile` must be at least 1 and `halo` at least 0. Received: tile={tile}, halo={halo}")
    height, width = image.shape[:2]
    for top, bottom, cut_top, cut_bottom in _spans(height, tile, halo):
        stripe = None
        for left, right, cut_left, cut_right in _spans(width, tile, halo):
            result = np.asarray(function(image[cut_top:cut_bottom, cut_left:cut_right]))
            if stripe is None:
                stripe = np.empty((scale * (bottom - top), scale * width, result.shape[-1]), result.dtype)
            rows = slice(scale * (top - cut_top), scale * (bottom - cut_top))
            columns = slice(scale * (left - cut_left), scale * (right - cut_left))
            stripe[:, scale * left : scale * right] = result[rows, columns]
        yield stripe


def blended_stripes(function, image, *, scale, tile, overlap):
    """Applies a function that looks farther than any halo tile by tile, and fades each tile into its neighbours.

    The result deviates from the whole picture's, since a tile sees less than the whole, but has no seams.

    Args:
        function: from an image [height, width, channels] to one of `scale` times the height and width.
        image: [height, width, channels] array.
        scale: the factor of `function`.
        tile: step from a tile to the next, pixels of `image`.
        overlap: what a tile has beyond that on each side, pixels of `image`. The outer half of it is context alone.

    Yields:
        Arrays [rows, scale * width, channels] of the function's dtype (integers rounded), from top to bottom.

    Raises:
        ValueError: `tile` or `overlap` below 1.
    """
    if tile < 1 or overlap < 1:
        raise ValueError(f"`tile` and `overlap` must be at least 1. Received: tile={tile}, overlap={overlap}")
    height, width = image.shape[:2]
    rows, columns = (_fades(size, tile, overlap, scale) for size in (height, width))
    pending = None  # the sum of what reaches below the rows that were yielded
    for index, (cut_top, cut_bottom, row_weights) in enumerate(rows):
        band = None
        for cut_left, cut_right, column_weights in columns:
            result = np.asarray(function(image[cut_top:cut_bottom, cut_left:cut_right]))
            if band is None:
                band = np.zeros((len(row_weights), scale * width, result.shape[-1]), np.float32)
            band[:, scale * cut_left : scale * cut_right] += (
                result * row_weights[:, np.newaxis, np.newaxis] * column_weights[:, np.newaxis]
            )
        if pending is not None:
            band[: len(pending)] += pending
        following = rows[index + 1][0] if index + 1 < len(rows) else height
        complete = scale * (following - cut_top)
        done = np.rint(band[:complete]) if np.issubdtype(result.dtype, np.integer) else band[:complete]
        yield done.astype(result.dtype, copy=False)
        pending = band[complete:]


def _spans(size, tile, halo):
    """Splits one axis: (start, stop) of each tile and (start, stop) of the cut that holds it and its halo."""
    if tile + 2 * halo >= size:  # one cut holds it all
        tile = size
    tile = -(-size // -(-size // tile))
    cut = min(tile + 2 * halo, size)
    for start in range(0, size, tile):
        cut_start = min(max(start - halo, 0), size - cut)
        yield start, min(start + tile, size), cut_start, cut_start + cut


def _fades(size, tile, overlap, scale):
    """Splits one axis: (start, stop) of each cut, and float32 weights of its results that add up to 1 everywhere."""
    cuts = [(start - start % WINDOW, stop) for _, _, start, stop in _spans(size, tile, overlap)]
    weights = []
    for start, stop in cuts:
        position = (np.arange(scale * (stop - start)) + 0.5) / scale
        fade = np.full_like(position, overlap)
        if start > 0:  # no fading towards the picture's own border
            fade = np.minimum(fade, position - overlap / 2)
        if stop < size:
            fade = np.minimum(fade, stop - start - position - overlap / 2)
        weights.append(np.maximum(fade, 0))
    total = np.zeros(scale * size)
    for (start, stop), weight in zip(cuts, weights, strict=True):
        total[scale * start : scale * stop] += weight
    return [
        (start, stop, (weight / total[scale * start : scale * stop]).astype(np.float32))
        for (start, stop), weight in zip(cuts, weights, strict=True)
    ]
