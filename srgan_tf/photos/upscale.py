"""Upscales one image into a file, stripe by stripe."""

import math
from typing import NamedTuple

import numpy as np

from srgan_tf.errors import WorkError
from srgan_tf.images.resize import resize_stripes
from srgan_tf.images.transparency import spread_colour
from srgan_tf.inference.refinement import RepeatedUpscaler
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import Wrapper
from srgan_tf.photos.writing import write_photo


class Enlargement(NamedTuple):
    """Size of the results: `factor` times the input, or the largest that fits into `box`; by default the network's.

    Attributes:
        factor: number above 0, or None.
        box: (width, height) that the result fits into, with the input's aspect ratio; or None.
    """

    factor: float | None = None
    box: tuple[int, int] | None = None

    def size(self, width, height, scale):
        """Width and height of the result, pixels, from those of the input and the network's factor."""
        factor = (
            min(side / own for side, own in zip(self.box, (width, height), strict=True)) if self.box else self.factor
        )
        return tuple(max(1, round(side * (factor or scale))) for side in (width, height))


OWN = Enlargement()  # the network's factor


def upscale_photo(upscaler, photo, path, *, tile=None, enlargement=OWN, server_limit=None, progress=lambda share: None):
    """Upscales one image into a file, stripe by stripe: a PNG result is never in memory as a whole.

    Colour and alpha are upscaled separately. Transparent pixels first get the colour of the nearest visible ones, since
    their own colour, often black, would show at the edges. Gray is upscaled as gray RGB.

    Args:
        upscaler: an `Upscaler` of whole images.
        photo: a `Photo`.
        path: the file to write.
        tile: see `TiledUpscaler`.
        enlargement: the size of the result.
        server_limit: largest number of pixels of a request, if `upscaler` is on a server. It receives and returns 8-bit
            RGB as uint8, unless that would round twice. A local network (None) receives floats.
        progress: called with the finished fraction, 0 to 1, after each tile; what it raises ends the work.

    Returns:
        (width, height) of the result.

    Raises:
        WorkError: the file cannot be written, memory is not sufficient, or the network's output is not finite.
    """
    picture = photo.colour
    if photo.alpha is not None:
        picture = np.concatenate([spread_colour(photo.colour, photo.alpha), photo.alpha], axis=2)
    height, width, channels = picture.shape
    size = enlargement.size(width, height, upscaler.scale)
    factor = max(size[0] / width, size[1] / height)
    times = max(1, math.ceil(math.log(factor, upscaler.scale) - 1e-9)) if upscaler.scale > 1 else 1
    if times > 1:
        upscaler = RepeatedUpscaler(upscaler, times, later=TiledUpscaler(upscaler, most_pixels=server_limit))
    enlarged = (upscaler.scale * width, upscaler.scale * height)
    integers = _IntegerUpscaler(upscaler)
    tiled = TiledUpscaler(integers, tile, most_pixels=server_limit)
    rounded_once = size == enlarged and times == 1 and tiled.equals_whole(height, width)
    integers.keep_uint8 = server_limit is not None and rounded_once
    tiles = tiled.tile_count(*picture.shape)
    integers.after_tile = lambda done: progress(min(done / tiles, 1))  # tiles that run out of memory are split

    def watched(stripes):
        for stripe in stripes:
            if not np.isfinite(stripe).all():
                raise WorkError(f"the output of the model {upscaler.name!r} is not finite")
            yield stripe

    stripes = watched(tiled.stripes(picture))
    if size != enlarged:
        stripes = resize_stripes(stripes, enlarged[1], size[1], size[0])
    write_photo(
        path,
        _rounded(stripes, picture.dtype),
        width=size[0],
        height=size[1],
        channels=channels,
        bits=8 * picture.itemsize,
        metadata=photo.metadata,
    )
    return size


def _rounded(stripes, dtype, rows=64):
    """Converts stripes from [0, 1] to an integer type, a few rows at a time to save memory."""
    for stripe in stripes:
        for start in range(0, len(stripe), rows):
            yield np.rint(np.clip(stripe[start : start + rows], 0, 1) * np.float32(np.iinfo(dtype).max)).astype(dtype)


def _to_float01(levels):
    """Integer values as float32 in [0, 1]; `_rounded` is the inverse."""
    return levels * np.float32(1 / np.iinfo(levels.dtype).max)  # as in pixels.to_float


class _IntegerUpscaler(Wrapper):
    """Upscales uint8 or uint16 gray or RGB, with or without alpha, to float32 in [0, 1].

    Attributes:
        keep_uint8: pass 8-bit RGB through the inner upscaler as uint8 instead of float32.
        after_tile: called with the number of images so far.
    """

    keep_uint8 = False

    def __init__(self, upscaler):
        super().__init__(upscaler)
        self.after_tile = lambda done: None
        self._done = 0

    def upscale(self, lr):
        """Upscales [height, width, 1 to 4 channels]; colour and alpha are upscaled separately."""
        parts = np.split(lr, [3 if lr.shape[2] > 2 else 1], axis=2)
        sr = np.concatenate([self._enlarge(part) for part in parts if part.shape[2]], axis=2)
        self._done += 1
        self.after_tile(self._done)
        return sr

    def _enlarge(self, levels):
        if self.keep_uint8 and levels.shape[2] == 3 and levels.dtype == np.uint8:
            return _to_float01(self._upscaler.upscale(levels))
        part = _to_float01(levels)
        if part.shape[2] == 3:
            return self._upscaler.upscale(part)
        if np.all(part == part[0, 0]):  # constant, as alpha mostly is
            return np.full((self.scale * part.shape[0], self.scale * part.shape[1], 1), part[0, 0], np.float32)
        return self._upscaler.upscale(np.repeat(part, 3, axis=2)).mean(axis=2, keepdims=True)
