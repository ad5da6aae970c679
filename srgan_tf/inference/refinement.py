"""Upscaler wrappers: repeated upscaling and iterative back-projection."""

import math

import numpy as np

from srgan_tf.errors import UserError
from srgan_tf.images.resize import imresize
from srgan_tf.inference.upscalers import Wrapper

# Bytes per value of the final result: the stripes of the last pass, and the array that they become.
_RESULT_BYTES = 8
# Receptive-field radius of bicubic down- and upscaling together, input pixels.
_RESIZING_HALO = 5


class RepeatedUpscaler(Wrapper):
    """Applies an upscaler several times in a row, for larger factors.

    Args:
        upscaler: an `Upscaler`.
        times: how often; the factor is that of `upscaler` to this power.
        later: the `Upscaler` for all passes but the first, such as a tiled one for the larger images. The memory of its
            tiles is not in `bytes_per_pixel`.
    """

    def __init__(self, upscaler, times: int, later):
        super().__init__(upscaler)
        self.scale = upscaler.scale**times
        self.continuous = False
        if upscaler.halo is not None:
            self.halo = math.ceil(upscaler.halo * sum(upscaler.scale**-stage for stage in range(times)))
        self.bytes_per_pixel = upscaler.bytes_per_pixel + 3 * _RESULT_BYTES * self.scale**2
        self._later = later
        self._times = times

    def upscale(self, lr):
        """See `Upscaler`."""
        sr = self._upscaler.upscale(lr)
        for _ in range(self._times - 1):
            sr = self._later.upscale(sr)
        return sr


class BackProjectionUpscaler(Wrapper):
    """Iterative back-projection: corrects the SR until its downscaled version equals the LR (Irani and Peleg 1991).

    Each step downscales the SR by bicubic, and adds the upscaled difference to the LR. This removes shifts of colour
    and brightness and keeps texture above the resolution of the LR.

    Args:
        upscaler: an `Upscaler`.
        steps: number of corrections; each adds 5 pixels to the halo.

    Raises:
        UserError: the factor of `upscaler` is not an integer: tiles would not have the values of the whole image.
    """

    def __init__(self, upscaler, steps: int):
        super().__init__(upscaler)
        if upscaler.scale != int(upscaler.scale):
            raise UserError(f"back-projection needs an integer factor (received {upscaler.scale:g})")
        self.continuous = False
        if upscaler.halo is not None:
            self.halo = upscaler.halo + _RESIZING_HALO * steps
        self._steps = steps

    def upscale(self, lr):
        """See `Upscaler`. uint8 images are computed in float and rounded once, at the end."""
        if lr.dtype == np.uint8:
            return np.rint(self.upscale(lr / np.float32(255)) * 255).astype(np.uint8)
        sr = self._upscaler.upscale(lr)
        for _ in range(self._steps):
            residual = lr - imresize(sr, *lr.shape[:2])
            sr = sr + imresize(residual, *sr.shape[:2])
        return np.clip(sr, 0, 1).astype(np.float32)
