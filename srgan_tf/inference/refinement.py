"""Upscalers made of another upscaler: twice in a row, or held to the picture that they began with."""

import math

import numpy as np

from srgan_tf.images.resize import imresize
from srgan_tf.inference.upscalers import TiledUpscaler, Upscaler

# What bicubic down and up again reach together, pixels of the input each way.
_RESIZING_REACH = 5


class RepeatedUpscaler:
    """Applies an upscaler to its own result, for factors beyond its own.

    Args:
        upscaler: an `Upscaler`.
        times: how often; the factor is the upscaler's to this power.
    """

    def __init__(self, upscaler: Upscaler, times: int):
        self.name = upscaler.name
        self.scale = upscaler.scale**times
        reach = sum(upscaler.scale**-stage for stage in range(times))
        self.halo = None if upscaler.halo is None else math.ceil(upscaler.halo * reach)
        self.bytes_per_pixel = upscaler.bytes_per_pixel  # later stages are tiled by themselves
        self._upscaler = upscaler
        self._times = times

    def upscale(self, lr):
        """See `Upscaler`."""
        sr = self._upscaler.upscale(lr)
        for _ in range(self._times - 1):
            sr = TiledUpscaler(self._upscaler).upscale(sr)
        return sr


class BackProjectionUpscaler:
    """Corrects a result until, made small again, it is the picture that it came from (Irani and Peleg 1991).

    Each step adds the bicubic enlargement of what the input differs by from the bicubic reduction of the result. That
    takes away shifts of colour and brightness; texture above the input's resolution stays.

    Args:
        upscaler: an `Upscaler`.
        steps: number of corrections; each costs a little time and adds 5 pixels to the halo.
    """

    def __init__(self, upscaler: Upscaler, steps: int):
        self.name = upscaler.name
        self.scale = upscaler.scale
        self.halo = None if upscaler.halo is None else upscaler.halo + _RESIZING_REACH * steps
        self.bytes_per_pixel = upscaler.bytes_per_pixel
        self._upscaler = upscaler
        self._steps = steps

    def upscale(self, lr):
        """See `Upscaler`. Of uint8 pictures the result is rounded once, at the end."""
        if lr.dtype == np.uint8:
            return np.rint(self.upscale(lr / np.float32(255)) * 255).astype(np.uint8)
        sr = self._upscaler.upscale(lr)
        for _ in range(self._steps):
            missing = lr - imresize(sr, *lr.shape[:2])
            sr = sr + imresize(missing, *sr.shape[:2])
        return np.clip(sr, 0, 1).astype(np.float32)
