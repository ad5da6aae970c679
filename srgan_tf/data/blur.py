"""The blur kernels of Real-ESRGAN (Wang et al. 2021), and filtering with them."""

import math

import tensorflow as tf

MAX_RADIUS = 10  # pixels; kernels are 21x21, zero outside their own radius

# Families of bell-shaped kernels, by number.
GAUSSIAN, GENERALIZED, PLATEAU = range(3)


def bell_kernel(family, radius, sigma_x, sigma_y, angle, beta):
    """A Gaussian, generalized Gaussian or plateau-shaped kernel (Wang et al. 2021, section 3.2).

    With q, the squared Mahalanobis distance from the centre, they are exp(-q / 2), exp(-q^beta / 2), 1 / (1 + q^beta).

    Args:
        family: `GAUSSIAN`, `GENERALIZED` or `PLATEAU`. All arguments are scalars: numbers or tensors.
        radius: pixels, at most `MAX_RADIUS`; the kernel is square.
        sigma_x: width along the first axis, pixels.
        sigma_y: width along the second axis, pixels.
        angle: direction of the first axis, radians.
        beta: exponent; ignored for a Gaussian.

    Returns:
        float32 [21, 21] with the sum 1.
    """
    x, y = _grid()
    u = (x * tf.cos(angle) + y * tf.sin(angle)) / sigma_x
    v = (y * tf.cos(angle) - x * tf.sin(angle)) / sigma_y
    q = u**2 + v**2
    power = q ** tf.where(tf.equal(family, GAUSSIAN), 1.0, beta)
    return _normalized(tf.where(tf.equal(family, PLATEAU), 1.0 / (1.0 + power), tf.exp(-0.5 * power)), radius)


def sinc_kernel(radius, cutoff):
    """The ideal circular low-pass filter, cropped to a square, which causes ringing (Wang et al. 2021, section 3.3).

    Args:
        radius: pixels, at most `MAX_RADIUS`.
        cutoff: radians per pixel, up to pi.

    Returns:
        float32 [21, 21] with the sum 1.
    """
    distance = tf.sqrt(sum(axis**2 for axis in _grid()))
    away = tf.maximum(distance, 1e-3)  # at the centre the formula is 0 / 0; this is close to its limit
    return _normalized(cutoff * tf.math.special.bessel_j1(cutoff * away) / (2.0 * math.pi * away), radius)


def pulse_kernel():
    """The identity kernel, float32 [21, 21]."""
    return sinc_kernel(0, 1.0)


def blur(image, kernel):
    """Filters a picture with mirrored borders; the edge pixels are not repeated.

    Args:
        image: float32 [height, width, channels].
        kernel: float32 [21, 21].

    Returns:
        Tensor of the same shape.
    """
    height, width = tf.unstack(tf.shape(image)[:2])
    padded = tf.gather(tf.gather(image, _mirrored(height), axis=0), _mirrored(width), axis=1)
    planes = tf.transpose(padded, (2, 0, 1))
    size = tf.shape(planes)[1:]
    # By FFT: a quarter of the time of a 21x21 convolution. All kernels here are symmetric about their centre, so
    # convolution and correlation are the same.
    spectrum = tf.signal.rfft2d(planes, size) * tf.signal.rfft2d(kernel, size)
    border = 2 * MAX_RADIUS
    return tf.transpose(tf.signal.irfft2d(spectrum, size)[:, border:, border:], (1, 2, 0))


def _grid():
    steps = tf.range(-MAX_RADIUS, MAX_RADIUS + 1, dtype=tf.float32)
    return tf.meshgrid(steps, steps)


def _normalized(kernel, radius):
    x, y = _grid()
    inside = tf.maximum(tf.abs(x), tf.abs(y)) <= tf.cast(radius, tf.float32)
    kernel = tf.where(inside, kernel, 0.0)
    return kernel / tf.reduce_sum(kernel)


def _mirrored(size):
    """Indices of the pixels of a side, extended by `MAX_RADIUS` at both ends by mirroring; for any size."""
    period = tf.maximum(2 * (size - 1), 1)
    indices = tf.math.floormod(tf.range(-MAX_RADIUS, size + MAX_RADIUS), period)
    return tf.minimum(indices, period - indices)
