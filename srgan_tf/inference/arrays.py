"""The upscaler of the Python API: checks arrays and tiles large images."""

import numpy as np

from srgan_tf.errors import UserError
from srgan_tf.inference.tiled import TiledUpscaler


class ArrayUpscaler:
    """Upscales numpy arrays; large images are split into tiles that fit into memory.

    Args:
        upscaler: an `Upscaler` of whole images.
        tile: side of a tile in LR pixels; 0 to upscale each image at once; None to choose by the free memory.
    """

    def __init__(self, upscaler, tile=None):
        self.name = upscaler.name
        self.scale = upscaler.scale
        self._tiled = TiledUpscaler(upscaler, tile)

    def upscale(self, lr):
        """Enlarges an RGB image.

        Args:
            lr: array [h, w, 3], uint8 in 0-255, or floats in [0, 1].

        Returns:
            Array [scale * h, scale * w, 3]: uint8 for uint8, float32 in [0, 1] for floats.

        Raises:
            UserError: an array of another shape or dtype, or floats outside [0, 1].
        """
        lr = np.asarray(lr)
        if lr.ndim != 3 or lr.shape[2] != 3 or 0 in lr.shape:
            raise UserError(f"an RGB image has the shape [height, width, 3] (received {list(lr.shape)})")
        if lr.dtype == np.uint8:
            return self._tiled.upscale(lr)
        if not np.issubdtype(lr.dtype, np.floating):
            raise UserError(f"pixels must be uint8, or floats in [0, 1] (received {lr.dtype})")
        if not (lr.min() >= 0 and lr.max() <= 1):  # NaN fails too
            raise UserError(f"float pixels must be in [0, 1] (received {lr.min():g} to {lr.max():g})")
        return self._tiled.upscale(lr.astype(np.float32))
