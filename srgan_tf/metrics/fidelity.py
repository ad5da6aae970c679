"""PSNR and SSIM, on luma and on RGB. `METRICS` at the end names each with its channel; the border is the caller's."""

import numpy as np
import tensorflow as tf

from srgan_tf import pixels


def psnr_y(reference, estimate):
    """PSNR in dB on the BT.601 luma (16-235, not rounded) with a peak of 255; `inf` for equal pictures."""
    return _psnr(pixels.luma(reference), pixels.luma(estimate))


def psnr_rgb(reference, estimate):
    """PSNR in dB of the mean squared error over all three channels with a peak of 255; `inf` for equal pictures."""
    return _psnr(reference, estimate)


def ssim_y(reference, estimate):
    """SSIM (Wang et al. 2004) on the BT.601 luma: Gaussian 11x11 of 1.5, K1 .01, K2 .03, valid windows, peak 255.

    Raises:
        ValueError: the picture is smaller than the 11-pixel window.
    """
    return _ssim(pixels.luma(reference), pixels.luma(estimate))


def ssim_rgb(reference, estimate):
    """Mean over R, G and B of the SSIM that `ssim_y` makes on luma."""
    return _ssim(reference, estimate)


def _psnr(reference, estimate):
    error = np.asarray(reference, np.float64) - np.asarray(estimate, np.float64)
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(255.0**2 / np.mean(np.square(error))))


def _ssim(reference, estimate):
    if min(reference.shape[:2]) < 11:
        raise ValueError(f"SSIM needs at least 11 pixels a side. Received: {reference.shape[1]}x{reference.shape[0]}")
    return float(tf.image.ssim(tf.cast(reference, tf.float32), tf.cast(estimate, tf.float32), max_val=255.0))


METRICS = {"psnr_y": psnr_y, "ssim_y": ssim_y, "psnr_rgb": psnr_rgb, "ssim_rgb": ssim_rgb}
