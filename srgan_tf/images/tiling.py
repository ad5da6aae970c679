"""Tiled upscaling of images that are too large for memory, without seams."""

import math

import numpy as np

from srgan_tf.images.positions import axis_positions, first_output

# Blended tiles start at multiples of this, so that attention windows are the same as for the whole image. Tiles become
# up to WINDOW - 1 pixels longer than requested.
WINDOW = 16


_BLOCK_BYTES = 8 << 20


def row_blocks(stripes):
    """Splits stripes of rows into blocks of at most 8 MiB, or one row.

    For operations that need several times the memory of what they are applied to. A block is a copy, so that no stripe
    stays in memory while the next one is made.

    Args:
        stripes: iterable of [rows, width, channels] arrays.

    Yields:
        The same rows as smaller arrays.
    """
    for stripe in stripes:
        rows = max(1, _BLOCK_BYTES * len(stripe) // stripe.nbytes)
        for start in range(0, len(stripe), rows):
            yield stripe[start : start + rows].copy()
        del stripe


def exact_stripes(function, image, *, scale, tile, halo):
    """Applies a local upscaling function tile by tile, and yields the result in stripes from top to bottom.

    Each tile is extended by a halo of image pixels, up to the image border, and the result of the halo is discarded. If
    `halo` is at least the receptive-field radius of the function, the result equals that for the whole image. All tiles
    have the same shape (those at the border are moved inwards), so a compiled function is traced once.

    Args:
        function: from an image [height, width, channels] to one of `scale` times the height and width.
        image: [height, width, channels] array.
        scale: upscaling factor of `function`.
        tile: maximum side, or (rows, columns), of a tile without its halo, pixels of `image`. Tiles divide an axis
            evenly.
        halo: context on each side, pixels of `image`.

    Yields:
        Arrays [rows, scale * width, channels] of the function's dtype.

    Raises:
        ValueError: `tile` below 1 or `halo` below 0.
    """
    rows, columns = (tile, tile) if isinstance(tile, int) else tile
    if min(rows, columns) < 1 or halo < 0:
        raise ValueError(f"`tile` must be at least 1 and `halo` at least 0. Received: tile={tile}, halo={halo}")
    height, width = image.shape[:2]
    for top, bottom, cut_top, cut_bottom in _spans(height, rows, halo):
        stripe = np.empty(0)  # allocated with the first tile, which has the dtype
        for left, right, cut_left, cut_right in _spans(width, columns, halo):
            result = np.asarray(function(image[cut_top:cut_bottom, cut_left:cut_right]))
            if not stripe.size:
                stripe = np.empty((scale * (bottom - top), scale * width, result.shape[-1]), result.dtype)
            inside = result[scale * (top - cut_top) : scale * (bottom - cut_top)]
            stripe[:, scale * left : scale * right] = inside[:, scale * (left - cut_left) : scale * (right - cut_left)]
        yield stripe


def sampled_stripes(function, image, *, size, tile, halo, context=0):
    """Applies a local upscaling function of any factor tile by tile, and yields the result in stripes.

    As `exact_stripes`, but the function computes the output pixels of each tile only, at their positions in the whole
    image. So the result equals that for the whole image at every factor.

    Args:
        function: from an image [height, width, channels], `rows` [n, 4] and `columns` [m, 4] to [n, m, channels];
            positions are those of `images.positions.axis_positions` in the image that it gets.
        image: [height, width, channels] array.
        size: (height, width) of the result, at least as large as the image.
        tile: as for `exact_stripes`.
        halo: as for `exact_stripes`; around `context`, if there is one.
        context: output pixels around a tile that are computed too and then discarded, for a function whose output
            pixels depend on each other. They start at multiples of `WINDOW` of the whole result.

    Yields:
        Arrays [rows, width of the result, channels] of the function's dtype.
    """
    tiles = (tile, tile) if isinstance(tile, int) else tile
    rows, columns = (
        list(_sampled_spans(*sizes, side, halo, context))
        for *sizes, side in zip(image.shape[:2], size, tiles, strict=True)
    )
    for cut_rows, row_positions, own_rows in rows:
        parts = [
            np.asarray(function(image[cut_rows, cut_columns], row_positions, column_positions))[own_rows, own_columns]
            for cut_columns, column_positions, own_columns in columns
        ]
        yield np.concatenate(parts, axis=1)


def _sampled_spans(in_size, out_size, tile, halo, context):
    """Splits one axis: slice of each cut, positions in the cut of its output pixels, slice of those of the tile."""
    reach = halo + math.ceil(context * in_size / out_size) + (WINDOW if context else 0)
    for start, stop, cut_start, cut_stop in _spans(in_size, tile, reach):
        first, last = (first_output(index, in_size, out_size) for index in (start, stop))
        begin, end = max(0, first - context), min(out_size, last + context)
        begin -= begin % WINDOW if context else 0
        positions = axis_positions(in_size, out_size, np.arange(begin, end))
        positions[:, 0] -= cut_start
        yield slice(cut_start, cut_stop), positions, slice(first - begin, last - begin)


def blended_stripes(function, image, *, scale, tile, overlap):
    """Applies an upscaling function of unlimited receptive field tile by tile, and cross-fades neighbouring tiles.

    The result has no seams, but it differs from that for the whole image, since each tile lacks some context.

    Args:
        function: from an image [height, width, channels] to one of `scale` times the height and width.
        image: [height, width, channels] array.
        scale: upscaling factor of `function`.
        tile: step, or (rows, columns), from one tile to the next, pixels of `image`.
        overlap: extension of a tile on each side, pixels of `image`. The outer half is only context.

    Yields:
        Arrays [rows, scale * width, channels] of the function's dtype (integers rounded), from top to bottom.

    Raises:
        ValueError: `tile` or `overlap` below 1.
    """
    tile_rows, tile_columns = (tile, tile) if isinstance(tile, int) else tile
    if min(tile_rows, tile_columns) < 1 or overlap < 1:
        raise ValueError(f"`tile` and `overlap` must be at least 1. Received: tile={tile}, overlap={overlap}")
    height, width = image.shape[:2]
    rows, columns = _fades(height, tile_rows, overlap, scale), _fades(width, tile_columns, overlap, scale)
    pending = None  # accumulated rows below those already yielded
    for index, (cut_top, cut_bottom, row_weights) in enumerate(rows):
        band = np.empty(0, np.float32)  # of this row of tiles, allocated with the first
        for cut_left, cut_right, column_weights in columns:
            result = np.asarray(function(image[cut_top:cut_bottom, cut_left:cut_right]))
            if not band.size:
                band = np.zeros((len(row_weights), scale * width, result.shape[-1]), np.float32)
                if pending is not None:
                    band[: len(pending)] = pending
                    pending = None
            band[:, scale * cut_left : scale * cut_right] += (
                result * row_weights[:, np.newaxis, np.newaxis] * column_weights[:, np.newaxis]
            )
        following = rows[index + 1][0] if index + 1 < len(rows) else height
        complete = scale * (following - cut_top)
        pending = band[complete:].copy()  # a view would keep the rows above in memory
        if complete == 0:  # the next tiles start at the same window
            continue
        done = np.rint(band[:complete]) if np.issubdtype(result.dtype, np.integer) else band[:complete]
        yield done.astype(result.dtype, copy=False)
        done = None


def tiles_along(size, tile, halo):
    """Number of tiles along an axis, for `exact_stripes` and, with the overlap as halo, `blended_stripes`.

    >>> tiles_along(100, 30, 5), tiles_along(100, 90, 5)
    (4, 1)
    """
    return len([*_spans(size, tile, halo)])


def _spans(size, tile, halo):
    """Splits one axis: (start, stop) of each tile, and (start, stop) of its cut, which includes the halo."""
    if tile + 2 * halo >= size:  # one tile is enough
        tile = size
    tile = -(-size // -(-size // tile))
    cut = min(tile + 2 * halo, size)
    for start in range(0, size, tile):
        cut_start = min(max(start - halo, 0), size - cut)
        yield start, min(start + tile, size), cut_start, cut_start + cut


def _fades(size, tile, overlap, scale):
    """Splits one axis: (start, stop) of each cut, and float32 weights of its output pixels; weights sum to 1."""
    cuts = [(start - start % WINDOW, stop) for _, _, start, stop in _spans(size, tile, overlap)]
    weights = []
    for start, stop in cuts:
        position = (np.arange(scale * (stop - start)) + 0.5) / scale
        fade = np.full_like(position, overlap)
        if start > 0:  # no fading at the image border
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
