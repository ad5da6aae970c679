"""Upscaling in tiles, for images too large for the memory."""

import logging
import math
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srgan_tf.errors import WorkError
from srgan_tf.hardware import free_compute_memory, free_memory
from srgan_tf.images.positions import scaled_size
from srgan_tf.images.tiling import WINDOW, blended_stripes, exact_stripes, sampled_stripes, tiles_along
from srgan_tf.inference.upscalers import Wrapper

_log = logging.getLogger(__name__)

# Upper bound for the memory of a tile. The stripe that tiles are joined to, and what is made of it, come on top.
_MOST_BYTES = 1 << 30
# Upper bound for one stripe of the result in float32. One is in memory at a time, if the caller keeps none.
_STRIPE_BYTES = 384 << 20
# The same for blended tiles, which overlap from stripe to stripe.
_BLENDED_STRIPE_BYTES = 768 << 20
# Least memory that an image takes, in bytes per output value: the result of a tile, and the stripe that it is put into.
_LEAST_BYTES = 8
_SMALLEST_TILE = 16
# With a larger halo, tiles would be mostly halo: they get this much context and are blended instead.
_LARGEST_HALO = 64


class Tiles(NamedTuple):
    """How an image is cut into tiles.

    Attributes:
        rows: height of a tile without its halo or overlap, input pixels.
        columns: width of a tile without its halo or overlap, input pixels.
        margin: halo or overlap, input pixels.
        size: (height, width) of the result.
        count: number of tiles, if none of them runs out of memory.
        equals_whole: whether the result is that of the untiled image: tiles are exact, or there is only one.
    """

    rows: int
    columns: int
    margin: int
    size: tuple[int, int]
    count: int
    equals_whole: bool


class TiledUpscaler(Wrapper):
    """Applies another upscaler in tiles to images that are large for the memory.

    If the halo is known and at most 64 pixels, tiles are cut with that halo and the result equals that of the whole
    image (`exact`). Otherwise tiles get 64 pixels of context, less for images wider than about 25,000 pixels, and are
    blended over it. When memory runs out, the tile size is halved and the work goes on. The tiles of a continuous
    upscaler are computed at their positions in the whole image, so they are exact at every factor.

    Args:
        upscaler: the `Upscaler` to apply.
        tile: side of a tile without its halo, input pixels; 0: the whole image at once; None: by `most_pixels`. Exact
            tiles that exceed the free memory are made smaller, which does not change the result.
        most_pixels: the largest image that `upscaler` takes at once; None: as much as fits the free memory.
    """

    def __init__(self, upscaler, tile=None, *, most_pixels=None):
        super().__init__(upscaler)
        self.exact = self.continuous or (self.halo is not None and self.halo <= _LARGEST_HALO)
        self._tile = tile
        self._most_pixels = most_pixels
        self._margin = self.halo if self.exact else _LARGEST_HALO
        self._too_large = math.inf  # number of values of the smallest tile that ran out of memory

    def upscale(self, lr, tiles=None):
        """See `Upscaler`; `tiles` as in `stripes`."""
        return np.concatenate(list(self.stripes(lr, tiles)))

    def plan(self, height, width, channels, size=None):
        """Chooses the tiles of an image by the memory that is free now.

        Args:
            height: of the image.
            width: of the image.
            channels: of the image.
            size: (height, width) of the result, for a continuous upscaler; None for `scale` times those of the image.

        Returns:
            `Tiles`.

        Raises:
            WorkError: memory is not sufficient.
        """
        size = size or (scaled_size(height, self.scale), scaled_size(width, self.scale))
        factor = max(size[0] / height, size[1] / width) if self.continuous else self.scale
        rows, columns, margin = self._tile_shape(height, width, channels, factor)
        count = math.prod(tiles_along(side, tile, margin) for side, tile in ((height, rows), (width, columns)))
        is_one = rows + 2 * margin >= height and columns + 2 * margin >= width
        return Tiles(rows, columns, margin, size, count, is_one or (self.exact and not self.context))

    def stripes(self, lr, tiles=None):
        """Yields the enlarged image in stripes from top to bottom: [rows, width of the result, channels] arrays.

        Args:
            lr: the image.
            tiles: from `plan` for its shape; None plans now.
        """
        tiles = tiles or self.plan(*lr.shape)
        if not self.continuous:
            return self._split(lr, tiles[:2], tiles.margin)
        options = {"size": tiles.size, "tile": tiles[:2], "halo": tiles.margin, "context": self.context}
        return sampled_stripes(self._sample, lr, **options)

    def _tile_shape(self, height, width, channels, factor):
        """(rows, columns) of the tiles without their halo, and the halo or overlap."""
        row_bytes = math.ceil(4 * channels * factor**2 * width)
        bytes_per_pixel = self.bytes_per_pixel * max(1, (factor / self.scale) ** 2)
        if self._tile is not None:
            side = self._tile or max(height, width)
            pixels = min(side + 2 * self._margin, height) * min(side + 2 * self._margin, width)
            if pixels * bytes_per_pixel <= free_compute_memory():
                return side, side, self._margin
            if not self.exact:  # smaller tiles would change the result; the estimate may be far too high
                if _LEAST_BYTES * channels * factor**2 * pixels > free_memory():
                    raise WorkError(f"not enough memory for tiles of {side}x{side} pixels")
                return side, side, self._margin
            _log.warning("not enough memory for tiles of %dx%d pixels: using smaller ones", side, side)
        most_pixels = self._most_pixels or _fitting_pixels(bytes_per_pixel, self.exact)
        if height * width <= most_pixels:
            return height, width, self._margin
        margin, around, stripe_bytes = self._margin, 2 * self._margin, _STRIPE_BYTES
        if not self.exact:
            while margin > WINDOW and (2 * margin + WINDOW + _SMALLEST_TILE) * row_bytes > _BLENDED_STRIPE_BYTES:
                margin //= 2
            around = 2 * margin + WINDOW - 1
            stripe_bytes = _BLENDED_STRIPE_BYTES - around * row_bytes
        if row_bytes > stripe_bytes:
            raise WorkError(f"not enough memory for an image of {width}x{height} pixels: it is too wide")
        side = max(math.isqrt(most_pixels) - around, _SMALLEST_TILE)
        # Tiles of narrow images may be higher.
        rows = min(max(side, most_pixels // min(side + around, width) - around), stripe_bytes // row_bytes)
        if rows >= side:
            return rows, side, margin
        return rows, max(most_pixels // min(rows + around, height) - around, side), margin  # low tiles may be wider

    def _split(self, lr, tile, margin):
        if self.exact:
            return exact_stripes(self._enlarge, lr, scale=self.scale, tile=tile, halo=margin)
        return blended_stripes(self._enlarge, lr, scale=self.scale, tile=tile, overlap=margin)

    def _sample(self, lr, rows, columns):
        """Enlarges one tile of a continuous upscaler; one that does not fit the memory is computed in two halves."""
        if len(rows) * len(columns) < self._too_large:
            try:
                return self._upscaler.sample(lr, rows, columns)
            except (tf.errors.ResourceExhaustedError, MemoryError) as error:
                if self.context or max(len(rows), len(columns)) < _SMALLEST_TILE:
                    raise WorkError(f"not enough memory for a tile of {lr.shape[1]}x{lr.shape[0]} pixels") from error
                self._too_large = len(rows) * len(columns)
                _log.warning("out of memory for %dx%d pixels: going on with smaller tiles", lr.shape[1], lr.shape[0])
        axis = int(len(columns) > len(rows))
        parts = []
        for half in np.array_split((rows, columns)[axis], 2):
            start = max(0, int(half[0, 0]) - self._margin)
            cut = slice(start, int(half[-1, 0]) + self._margin + 1)
            half = half - np.float32((start, 0, 0, 0))
            parts.append(self._sample(lr[:, cut], rows, half) if axis else self._sample(lr[cut], half, columns))
        return np.concatenate(parts, axis=axis)

    def _enlarge(self, lr):
        """Enlarges one tile; one that does not fit the memory is split into smaller tiles."""
        if lr.size < self._too_large:
            try:
                return self._upscaler.upscale(lr)
            except (tf.errors.ResourceExhaustedError, MemoryError) as error:
                if max(lr.shape) - 2 * self._margin < _SMALLEST_TILE:
                    raise WorkError(f"not enough memory for a tile of {lr.shape[1]}x{lr.shape[0]} pixels") from error
                self._too_large = lr.size
                _log.warning("out of memory for %dx%d pixels: going on with smaller tiles", lr.shape[1], lr.shape[0])
        tile = (max(lr.shape) - 2 * self._margin) // 2
        return np.concatenate(list(self._split(lr, tile, self._margin)))


def _fitting_pixels(bytes_per_pixel, exact):
    """Number of input pixels, halo included, that fit the free memory.

    Exact tiles may be small and leave most of the memory to others. Blended tiles change the result: an image is cut
    into them only when it needs more than half of the free memory.
    """
    free = free_compute_memory()
    budget = min(free // 4, _MOST_BYTES) if exact else free // 2
    return int(budget / bytes_per_pixel)
