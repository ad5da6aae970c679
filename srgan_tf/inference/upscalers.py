"""Upscalers of whole images: bicubic, and generator networks."""

from typing import Protocol

import numpy as np
import tensorflow as tf

from srgan_tf.errors import WorkError
from srgan_tf.images import pixels
from srgan_tf.images.positions import scaled_size
from srgan_tf.images.resize import imresize, resize_to_positions
from srgan_tf.networks.geometry import map_memory, receptive_field, scale_of

# Memory that upscaling takes. Measured for the generators of the presets: 0.9 to 1.7 times their feature maps.
MAPS_FACTOR = 2.0
# Bytes per output pixel: the 3-channel images around the network; 117 measured.
PICTURE_BYTES = 128
# The same, where only the function is known: a network with 64 filters at HR size.
UNKNOWN_NETWORK_BYTES = 1024


class Upscaler(Protocol):
    """Anything that enlarges images.

    Attributes:
        name: its name in reports.
        scale: the factor: an integer, or any number if `continuous`. Sizes are rounded to the nearest pixel.
        halo: receptive-field radius, input pixels; None if unknown.
        bytes_per_pixel: bytes of memory that upscaling takes, per input pixel.
        continuous: whether it has `sample`, which enlarges to any size (see `ContinuousUpscaler.sample`); may be
            missing if it has not.
        context: of a continuous upscaler, output pixels around a tile that it needs too; 0 if missing.
    """

    name: str
    scale: float
    halo: int | None
    bytes_per_pixel: float
    continuous: bool

    def upscale(self, lr: np.ndarray) -> np.ndarray:
        """Enlarges an image [height, width, 3] to [scale * height, scale * width, 3].

        uint8 becomes uint8; float32 in [0, 1] becomes float32 in [0, 1].
        """


class BicubicUpscaler:
    """The baseline: MATLAB-like bicubic interpolation, by any factor.

    Args:
        scale: the factor; sizes are rounded to the nearest pixel.
    """

    def __init__(self, scale):
        self.name = "bicubic"
        self.scale = scale
        self.halo = 2
        self.bytes_per_pixel = PICTURE_BYTES * scale**2
        self.continuous = scale != int(scale)

    def upscale(self, lr):
        """See `Upscaler`."""
        sr = imresize(lr, *(scaled_size(size, self.scale) for size in lr.shape[:2]))
        return sr if lr.dtype == np.uint8 else np.clip(sr, 0, 1).astype(np.float32)

    def sample(self, lr, rows, columns):
        """See `ContinuousUpscaler.sample`."""
        sr = resize_to_positions(lr, rows, columns)
        return sr if lr.dtype == np.uint8 else np.clip(sr, 0, 1).astype(np.float32)


class NetworkUpscaler:
    """A generator network of one integer factor, applied to whole images.

    Args:
        function: enlarges a float32 tensor [1, height, width, 3] in [0, 1]; takes any height and width.
        name: its name in reports.
        scale: the factor.
        halo: receptive-field radius of the network, input pixels; None if unknown.
        maps: bytes of its feature maps per input pixel; None if unknown.
    """

    continuous = False

    def __init__(self, function, *, name, scale, halo, maps=None):
        self.name = name
        self.scale = scale
        self.halo = halo
        network_memory = UNKNOWN_NETWORK_BYTES * scale**2 if maps is None else MAPS_FACTOR * maps
        self.bytes_per_pixel = network_memory + PICTURE_BYTES * scale**2

        # Height and width are unspecified: one trace serves every size.
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])
        def upscale(lr):
            sr = function(lr[tf.newaxis])[0]
            return tf.clip_by_value(sr, 0.0, 1.0), tf.reduce_all(tf.math.is_finite(sr))

        # TensorFlow counts the traces of calls and warns where a program loads several models.
        self._function = upscale.get_concrete_function()

    def upscale(self, lr):
        """See `Upscaler`.

        Raises:
            WorkError: a value of the result is not finite.
        """
        sr = checked(self.name, *self._function(pixels.to_float(lr) if lr.dtype == np.uint8 else lr))
        return (pixels.to_uint8(sr) if lr.dtype == np.uint8 else sr).numpy()


def checked(name, sr, finite):
    """The result of a network.

    Raises:
        WorkError: it is not finite.
    """
    if not finite:
        raise WorkError(f"the output of the network {name!r} is not finite: its weights are damaged")
    return sr


class Wrapper:
    """An upscaler that works by another one. Name, scale, halo and memory are those of the inner upscaler.

    A subclass changes the attributes that differ, and defines `upscale`, and `sample` unless it sets `continuous` to
    False.

    Args:
        upscaler: the inner `Upscaler`.
    """

    def __init__(self, upscaler: Upscaler):
        self.name = upscaler.name
        self.scale = upscaler.scale
        self.halo = upscaler.halo
        self.bytes_per_pixel = upscaler.bytes_per_pixel
        self.continuous = getattr(upscaler, "continuous", False)
        self.context = getattr(upscaler, "context", 0)
        self._upscaler = upscaler


def network_upscaler(generator, name):
    """Wraps a Keras generator as a `NetworkUpscaler`. Later changes of its weights take effect."""
    return NetworkUpscaler(
        lambda lr: generator(lr, training=False),
        name=name,
        scale=scale_of(generator),
        halo=receptive_field(generator),
        maps=map_memory(generator),
    )
