"""Upscales one image, stripe by stripe, and writes it."""

import functools
import math
from typing import NamedTuple

import numpy as np

from srgan_tf.errors import WorkError
from srgan_tf.images.positions import scaled_size
from srgan_tf.images.resize import resize_stripes
from srgan_tf.images.tiling import row_blocks
from srgan_tf.images.transparency import spread_colour
from srgan_tf.inference.refinement import RepeatedUpscaler
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import BicubicUpscaler, Wrapper
from srgan_tf.photos.file_formats import PNG_LEVEL
from srgan_tf.photos.parts import Crop
from srgan_tf.photos.writing import write_photo

_CONTEXT = 64  # input pixels around a crop, for networks of unknown or large receptive field


class Enlargement(NamedTuple):
    """Size of the results: `factor` times the input, or the largest that fits into `box`; by default the network's.

    A continuous network enlarges whole images to that size itself. Others enlarge by their factor, several times if
    necessary, and the result is resized; so does a continuous one for a crop or for a result smaller than the input.

    Attributes:
        factor: number above 0, or None.
        box: (width, height) that the result fits into, with the input's aspect ratio; or None.
        crop: the part of the input that is upscaled, at the size that it has in the whole result; or None.
    """

    factor: float | None = None
    box: tuple[int, int] | None = None
    crop: Crop | None = None

    def size(self, width, height, scale):
        """Width and height of the result, pixels, from those of the input and the network's factor."""
        factor = (
            min(side / own for side, own in zip(self.box, (width, height), strict=True)) if self.box else self.factor
        )
        sides = self.crop[2:] if self.crop else (width, height)
        return tuple(scaled_size(side, factor or scale) for side in sides)


OWN = Enlargement()  # the network's factor


class Enlarged(NamedTuple):
    """A result: its size in pixels, and its uint8 or uint16 [rows, width, channels] stripes from top to bottom."""

    width: int
    height: int
    channels: int
    bits: int
    stripes: object

    @property
    def nbytes(self):
        """Bytes of its pixels."""
        return self.width * self.height * self.channels * self.bits // 8


def upscale_photo(upscaler, photo, path, *, png_level=PNG_LEVEL, **options):
    """Upscales one image into a file, stripe by stripe: a PNG result is never in memory as a whole.

    Args:
        upscaler: an `Upscaler` of whole images.
        photo: a `Photo`.
        path: the file to write.
        png_level: see `write_photo`.
        **options: see `enlarge`.

    Returns:
        (width, height) of the result.

    Raises:
        WorkError: the file cannot be written, memory is not sufficient, the network's output is not finite, or the crop
            is not inside the image.
    """
    result = enlarge(upscaler, photo, **options)
    write_enlarged(path, result, photo.metadata, png_level=png_level)
    return result.width, result.height


def write_enlarged(path, enlarged, metadata, **options):
    """Writes a result: `write_photo` with the arguments of an `Enlarged`."""
    width, height, channels, bits, stripes = enlarged
    options |= {"width": width, "height": height, "channels": channels, "bits": bits, "metadata": metadata}
    write_photo(path, stripes, **options)


def enlarge(upscaler, photo, *, tile=None, enlargement=OWN, mask=None, server_limit=None, progress=lambda share: None):
    """Upscales one image.

    Colour and alpha are upscaled separately. Transparent pixels first get the colour of the nearest visible ones, since
    their own colour, often black, would show at the edges. Gray is upscaled as gray RGB.

    Args:
        upscaler: an `Upscaler` of whole images.
        photo: a `Photo`.
        tile: see `TiledUpscaler`.
        enlargement: the size of the result, and the part of the image.
        mask: array [height, width, 1] of the photo's dtype: where it is 0 the result is bicubic. None for no mask.
        server_limit: largest number of pixels of a request, if `upscaler` is on a server. It receives and returns 8-bit
            RGB as uint8, unless that would round twice. A local network (None) receives floats.
        progress: called with the finished fraction, 0 to 1, after each tile; what it raises ends the work.

    Returns:
        `Enlarged`; the work is done while its stripes are taken.

    Raises:
        WorkError: the crop is not inside the image. Taking a stripe: memory is not sufficient, or the network's output
            is not finite.
    """
    picture = photo.colour
    if photo.alpha is not None:
        picture = np.concatenate([spread_colour(photo.colour, photo.alpha), photo.alpha], axis=2)
    channels = picture.shape[2]
    if mask is not None:
        picture = np.concatenate([picture, mask], axis=2)
    height, width = picture.shape[:2]
    size = enlargement.size(width, height, upscaler.scale)
    crop = enlargement.crop or Crop(0, 0, width, height)
    crop.check(width, height)
    factor = max(size[0] / crop.width, size[1] / crop.height)
    to_size = getattr(upscaler, "continuous", False) and not enlargement.crop and size[0] >= width and size[1] >= height
    times = max(1, math.ceil(math.log(factor, upscaler.scale) - 1e-9)) if upscaler.scale > 1 and not to_size else 1
    if times > 1:
        upscaler = RepeatedUpscaler(upscaler, times, TiledUpscaler(upscaler, most_pixels=server_limit))
    picture, inner = _with_context(picture, crop, _CONTEXT if upscaler.halo is None else min(upscaler.halo, _CONTEXT))
    enlarged = size if to_size else tuple(scaled_size(side, upscaler.scale) for side in crop[2:])
    integers = _IntegerUpscaler(upscaler, masked=mask is not None)
    tiled = TiledUpscaler(integers, tile, most_pixels=server_limit)
    tiles = tiled.plan(*picture.shape, size=size[::-1] if to_size else None)
    rounded_once = size == enlarged and times == 1 and mask is None and tiles.equals_whole
    integers.keep_uint8 = server_limit is not None and rounded_once
    integers.after_tile = lambda done: progress(min(done / tiles.count, 1))  # tiles that run out of memory are split

    def checked(stripes):
        for stripe in stripes:
            if not math.isfinite(stripe.min() + stripe.max()):
                raise WorkError(f"the output of the model {upscaler.name!r} is not finite")
            yield stripe
            del stripe  # before the next one is made: a stripe may have 384 MiB

    stripes = checked(tiled.stripes(picture, tiles))
    if enlargement.crop:
        stripes = _inside(stripes, inner, upscaler.scale)
    if size != enlarged:
        stripes = resize_stripes(stripes, enlarged[1], size[1], size[0])
    return Enlarged(*size, channels, 8 * picture.itemsize, _rounded(stripes, picture.dtype))


def _with_context(picture, crop, context):
    """The crop with `context` pixels around it, and the crop in the coordinates of that."""
    left, top = max(0, crop.left - context), max(0, crop.top - context)
    around = picture[top : crop.top + crop.height + context, left : crop.left + crop.width + context]
    return around, Crop(crop.left - left, crop.top - top, crop.width, crop.height)


def _inside(stripes, crop, scale):
    """The part of enlarged stripes that belongs to a crop of the input."""
    row, top, bottom = 0, scale * crop.top, scale * (crop.top + crop.height)
    columns = slice(scale * crop.left, scale * (crop.left + crop.width))
    for stripe in stripes:
        inside = stripe[max(0, top - row) : max(0, bottom - row), columns]
        row += len(stripe)
        if len(inside):
            yield inside
        del stripe, inside


def _rounded(stripes, dtype):
    """Converts stripes from [0, 1] to an integer type, a few rows at a time to save memory."""
    for rows in row_blocks(stripes):
        yield np.rint(np.clip(rows, 0, 1) * np.float32(np.iinfo(dtype).max)).astype(dtype)


def _to_float01(levels):
    """Integer values as float32 in [0, 1]; `_rounded` is the inverse."""
    return levels * np.float32(1 / np.iinfo(levels.dtype).max)  # as in pixels.to_float


class _IntegerUpscaler(Wrapper):
    """Upscales uint8 or uint16 gray or RGB, with or without alpha, to float32 in [0, 1].

    Args:
        upscaler: an `Upscaler`.
        masked: whether the last channel is a mask: the result is bicubic where it is 0.

    Attributes:
        keep_uint8: pass 8-bit RGB through the inner upscaler as uint8 instead of float32.
        after_tile: called with the number of images so far.
    """

    keep_uint8 = False

    def __init__(self, upscaler, *, masked=False):
        super().__init__(upscaler)
        self.after_tile = lambda done: None
        self._done = 0
        self._masked = masked
        self._bicubic = BicubicUpscaler(self.scale)

    def upscale(self, lr):
        """Upscales [height, width, channels]; colour and alpha are upscaled separately."""
        size = [scaled_size(side, self.scale) for side in lr.shape[:2]]
        return self._enlarge(lr, size, self._upscaler.upscale, self._bicubic.upscale)

    def sample(self, lr, rows, columns):
        """The same at some rows and columns; see `ContinuousUpscaler.sample`."""
        network, bicubic = (
            functools.partial(upscaler.sample, rows=rows, columns=columns)
            for upscaler in (self._upscaler, self._bicubic)
        )
        return self._enlarge(lr, [len(rows), len(columns)], network, bicubic)

    def _enlarge(self, lr, size, network, bicubic):
        sr = self._blended(lr, size, network, bicubic) if self._masked else self._whole(lr, size, network)
        self._done += 1
        self.after_tile(self._done)
        return sr

    def _whole(self, lr, size, network):
        parts = np.split(lr, [3 if lr.shape[2] > 2 else 1], axis=2)
        return np.concatenate([self._part(part, size, network) for part in parts if part.shape[2]], axis=2)

    def _blended(self, lr, size, network, bicubic):
        lr, mask = lr[..., :-1], lr[..., -1:]
        if not mask.any():
            return bicubic(_to_float01(lr))
        sr = self._whole(lr, size, network)
        if mask.min() == np.iinfo(mask.dtype).max:
            return sr
        smooth, weight = bicubic(_to_float01(lr)), bicubic(_to_float01(mask))
        return smooth + weight * (sr - smooth)

    def _part(self, levels, size, network):
        if self.keep_uint8 and levels.shape[2] == 3 and levels.dtype == np.uint8:
            return _to_float01(network(levels))
        part = _to_float01(levels)
        if part.shape[2] == 3:
            return network(part)
        if np.all(part == part[0, 0]):  # constant, as alpha mostly is
            return np.full((*size, 1), part[0, 0], np.float32)
        return network(np.repeat(part, 3, axis=2)).mean(axis=2, keepdims=True)
