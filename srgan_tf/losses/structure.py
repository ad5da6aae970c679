"""SSIM as a loss."""

import tensorflow as tf


def ssim_loss(hr, sr):
    """1 - SSIM of R, G and B (Wang et al. 2004): Gaussian window of 11 pixels, sigma 1.5, no border.

    Args:
        hr: float32 [batch, height, width, 3] in [0, 1], at least 11x11 pixels.
        sr: the same shape and range.

    Returns:
        float32 scalar, the mean over the images: 0 for equal images, at most 2.
    """
    return 1.0 - tf.reduce_mean(tf.image.ssim(hr, sr, max_val=1.0))
