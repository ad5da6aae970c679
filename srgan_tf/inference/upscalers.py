"""A trained generator at work: upscaling pictures, in tiles where they are large."""

import logging
import math
from typing import Protocol

import numpy as np
import tensorflow as tf

from srgan_tf.errors import WorkError
from srgan_tf.hardware import free_memory
from srgan_tf.images import pixels
from srgan_tf.images.resize import imresize
from srgan_tf.images.tiling import WINDOW, blended_stripes, exact_stripes
from srgan_tf.networks.geometry import map_memory, receptive_field, scale_of

_log = logging.getLogger(__name__)

# Memory of an upscaler at work. Measured of the presets' generators: 0.9 to 1.7 times their feature maps.
_MAPS_FACTOR = 2.0
_PICTURE_BYTES = 128  # for a pixel of the result: the pictures around the network, of 3 channels; 117 measured
UNKNOWN_NETWORK_BYTES = 1024  # the same where only the function is known: that of 64 filters at HR size
_MOST_BYTES = 1 << 30  # so that a process stays under 3 GiB, with TensorFlow and a picture of 48 million pixels
_SMALLEST_TILE = 16
# A halo beyond this makes tiles mostly halo: they get this much context, and fade over it.
_LARGEST_HALO = 64


class Upscaler(Protocol):
    """Whatever enlarges pictures by a whole factor.

    Attributes:
        name: what reports call it.
        scale: the factor.
        halo: the farthest input pixel, each way, that reaches a pixel of the result; None where that is unknown.
        bytes_per_pixel: bytes that it takes at work for each pixel of the input.
    """

    name: str
    scale: int
    halo: int | None
    bytes_per_pixel: float

    def upscale(self, lr: np.ndarray) -> np.ndarray:
        """Enlarges a picture [height, width, 3] to [scale * height, scale * width, 3].

        uint8 becomes uint8; float32 in [0, 1] becomes float32 in [0, 1].
        """


class BicubicUpscaler:
    """The baseline: MATLAB-like bicubic."""

    def __init__(self, scale):
        self.name = "bicubic"
        self.scale = scale
        self.halo = 2
        self.bytes_per_pixel = _PICTURE_BYTES * scale**2

    def upscale(self, lr):
        """See `Upscaler`."""
        sr = imresize(lr, *(self.scale * size for size in lr.shape[:2]))
        return sr if lr.dtype == np.uint8 else np.clip(sr, 0, 1).astype(np.float32)


class NetworkUpscaler:
    """A generator network, applied to the whole of each picture.

    Args:
        function: from a float32 tensor [1, height, width, 3] in [0, 1] to its enlargement, any height and width.
        name: what reports call it.
        scale: the factor.
        halo: the network's receptive field, pixels; None where that is unknown.
        maps: bytes of its feature maps for each pixel of the input; None where that is unknown.
    """

    def __init__(self, function, *, name, scale, halo, maps=None):
        self.name = name
        self.scale = scale
        self.halo = halo
        network_memory = UNKNOWN_NETWORK_BYTES * scale**2 if maps is None else _MAPS_FACTOR * maps
        self.bytes_per_pixel = network_memory + _PICTURE_BYTES * scale**2

        # One trace serves every size, since height and width stay open.
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])
        def upscale(lr):
            return tf.clip_by_value(function(lr[tf.newaxis])[0], 0.0, 1.0)

        self._function = upscale

    def upscale(self, lr):
        """See `Upscaler`."""
        if lr.dtype == np.uint8:
            return pixels.to_uint8(self._function(pixels.to_float(lr))).numpy()
        return self._function(lr).numpy()


class TiledUpscaler:
    """Another upscaler, applied in tiles to pictures that are large for the memory.

    Where the other's reach is known and at most 64 pixels, tiles have a halo of it and join to what the whole picture
    would give (`exact`). Else they get 64 pixels of context, and neighbours fade into each other. When memory runs
    out, the tiles are halved and the work goes on.

    Args:
        whole: an `Upscaler`.
        tile: side of a tile without its halo, pixels of the input; 0 for the whole picture at once; None to choose by
            `most_pixels`.
        most_pixels: the largest picture that `whole` takes at once; None to choose by the memory that is available.
    """

    def __init__(self, whole, tile=None, *, most_pixels=None):
        self.name = whole.name
        self.scale = whole.scale
        self.halo = whole.halo
        self.bytes_per_pixel = whole.bytes_per_pixel
        self.whole = whole
        self.exact = whole.halo is not None and whole.halo <= _LARGEST_HALO
        self._tile = tile
        self._most_pixels = most_pixels
        self._margin = whole.halo if self.exact else _LARGEST_HALO
        self._too_large = math.inf  # numbers in a tile that memory did not suffice for

    def upscale(self, lr):
        """See `Upscaler`."""
        return np.concatenate(list(self.stripes(lr)))

    def stripes(self, lr):
        """Yields the enlarged picture in stripes from top to bottom: [rows, scale * width, 3] arrays."""
        return self._split(lr, self._side(*lr.shape[:2]))

    def equals_whole(self, height, width):
        """Whether a picture of this size becomes what it would as a whole: by exact tiles, or by a single one."""
        return self.exact or self._side(height, width) + 2 * self._margin >= max(height, width)

    def _side(self, height, width):
        if self._tile is not None:
            return self._tile or max(height, width)
        most_pixels = self._most_pixels or _fitting_pixels(self.whole, self.exact)
        if height * width <= most_pixels:
            return max(height, width)
        around = 2 * self._margin + (0 if self.exact else WINDOW - 1)
        return max(math.isqrt(most_pixels) - around, _SMALLEST_TILE)

    def _split(self, lr, tile):
        if self.exact:
            return exact_stripes(self._enlarge, lr, scale=self.scale, tile=tile, halo=self._margin)
        return blended_stripes(self._enlarge, lr, scale=self.scale, tile=tile, overlap=self._margin)

    def _enlarge(self, lr):
        """Enlarges one tile; one for which the memory does not suffice is a picture of smaller tiles itself."""
        if lr.size < self._too_large:
            try:
                return self.whole.upscale(lr)
            except (tf.errors.ResourceExhaustedError, MemoryError) as error:
                if max(lr.shape) - 2 * self._margin < _SMALLEST_TILE:
                    raise WorkError(f"not enough memory for a tile of {lr.shape[1]}x{lr.shape[0]} pixels") from error
                self._too_large = lr.size
                _log.warning("out of memory for %dx%d pixels: going on with smaller tiles", lr.shape[1], lr.shape[0])
        tile = (max(lr.shape) - 2 * self._margin) // 2
        return np.concatenate(list(self._split(lr, tile)))


def _fitting_pixels(upscaler, exact):
    """Pixels of the largest picture, or tile with its margin, that an upscaler has free memory for.

    Exact tiles may be small, and leave most of the memory to others. Tiles that fade into each other change the result:
    a picture is cut into them only when it takes more than half of what is free.
    """
    budget = min(free_memory() // 4, _MOST_BYTES) if exact else free_memory() // 2
    return int(budget / upscaler.bytes_per_pixel)


def network_upscaler(generator, name):
    """Wraps a Keras generator; later changes of its weights are seen."""
    return TiledUpscaler(
        NetworkUpscaler(
            lambda lr: generator(lr, training=False),
            name=name,
            scale=scale_of(generator),
            halo=receptive_field(generator),
            maps=map_memory(generator),
        )
    )
