"""Pixel values: uint8 in files, float32 in [0, 1] in networks; the luma for scores; cropping of borders."""

import numpy as np
import tensorflow as tf

# MATLAB's rgb2ycbcr: ITU-R BT.601, 8 bits, studio range. Y = 16 for black, 235 for white.
_LUMA_WEIGHTS = (65.481 / 255, 128.553 / 255, 24.966 / 255)
_LUMA_OFFSET = 16.0

# One uint8 step in [0, 1]: 255 * RECIPROCAL is exactly 1.
RECIPROCAL = np.float32(1 / 255)


def to_float(image):
    """Converts uint8 pixels to float32 in [0, 1].

    By multiplication, so that eager and graph mode give the same bits: in graphs TensorFlow replaces a division by a
    multiplication.

    Args:
        image: uint8, any shape.

    Returns:
        float32 tensor of the same shape.
    """
    return tf.cast(image, tf.float32) * RECIPROCAL


def to_uint8(image):
    """Converts pixels in [0, 1] to uint8, rounded and clipped.

    Args:
        image: float, any shape; values outside [0, 1] are clipped.

    Returns:
        uint8 tensor of the same shape.

    >>> to_uint8([-0.1, 0.499 / 255, 0.501 / 255, 1.5]).numpy().tolist()
    [0, 0, 1, 255]
    """
    return tf.saturate_cast(tf.round(tf.cast(image, tf.float32) * 255.0), tf.uint8)


def luma(image):
    """The Y channel on which super-resolution papers compute scores: BT.601, studio range 16-235, not rounded.

    Args:
        image: [..., 3] RGB with values in 0-255, uint8 or float.

    Returns:
        float64 tensor [..., 1], between 16 and 235.

    >>> [round(float(luma([[level] * 3])[0, 0]), 6) for level in (0, 255)]
    [16.0, 235.0]
    """
    image = tf.cast(image, tf.float64)
    weights = tf.constant(_LUMA_WEIGHTS, tf.float64)[:, tf.newaxis]
    return tf.tensordot(image, weights, 1) + _LUMA_OFFSET


def shave(image, border):
    """Removes `border` pixels from each side, as papers do before scoring.

    Args:
        image: [..., height, width, channels], an array or a tensor.
        border: pixels, 0 or more.

    Raises:
        ValueError: the border is negative, or no pixels would remain.
    """
    height, width = image.shape[-3:-1]
    if border < 0 or min(height, width) <= 2 * border:
        raise ValueError(f"`border` must leave pixels of a {width}x{height} image. Received: border={border}")
    return image[..., border : height - border, border : width - border, :]


def modcrop(image, scale):
    """Crops the bottom and the right side so that height and width are multiples of `scale`.

    Args:
        image: [..., height, width, channels], an array or a tensor.
        scale: the super-resolution factor.

    Raises:
        ValueError: the image is smaller than `scale` pixels a side.
    """
    height, width = image.shape[-3:-1]
    if min(height, width) < scale:
        raise ValueError(f"`image` must be at least {scale} pixels a side. Received: {width}x{height}")
    return image[..., : height - height % scale, : width - width % scale, :]
