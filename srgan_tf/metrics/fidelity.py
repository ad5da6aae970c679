"""PSNR and SSIM of two uint8 [height, width, 3] images of the same size. The caller removes the border, if any.

SSIM follows the MATLAB code of Wang et al. 2004: an 11x11 Gaussian window with sigma 1.5, K1 0.01, K2 0.03, only valid
window positions, no downscaling of large images. `tf.image.ssim` with its defaults and scikit-image's
`structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)` give the same values. MATLAB's
built-in `ssim` does not: it replicates the edge pixels and includes the border. The values in the SRGAN paper come from
other code and are 0.01 to 0.03 higher.
"""

import numpy as np
import tensorflow as tf

from srgan_tf.images import pixels
from srgan_tf.images.resize import imresize


def psnr_y(reference, estimate):
    """PSNR in dB on the BT.601 luma (16-235, not rounded) with a peak of 255; `inf` for equal images."""
    return _psnr(pixels.luma(reference), pixels.luma(estimate))


def psnr_rgb(reference, estimate):
    """PSNR in dB of the mean squared error over all three channels with a peak of 255; `inf` for equal images."""
    return _psnr(reference, estimate)


def ssim_y(reference, estimate):
    """SSIM on the BT.601 luma (16-235, not rounded) with a peak of 255.

    Raises:
        ValueError: the image is smaller than the 11-pixel window.
    """
    return _ssim(pixels.luma(reference), pixels.luma(estimate))


def ssim_rgb(reference, estimate):
    """Mean SSIM of the R, G and B channels; see `ssim_y`."""
    return _ssim(reference, estimate)


def psnr_lr(lr, sr):
    """LR consistency: PSNR in dB of the SR image, downscaled by MATLAB-like bicubic, against its LR input.

    It drops if colours drift or if the SR image has content that contradicts the LR image. With bicubic LR images,
    networks trained with a pixel loss reach 40 to 50 dB. Lugmayr et al. 2020 report it as LR-PSNR.

    Args:
        lr: uint8 [height, width, 3].
        sr: uint8 [scale * height, scale * width, 3].
    """
    return psnr_rgb(lr, imresize(sr, *lr.shape[:2]))


def _psnr(reference, estimate):
    error = np.asarray(reference, np.float64) - np.asarray(estimate, np.float64)
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(255.0**2 / np.mean(np.square(error))))


def _ssim(reference, estimate):
    if min(reference.shape[:2]) < 11:
        raise ValueError(f"SSIM needs at least 11 pixels a side. Received: {reference.shape[1]}x{reference.shape[0]}")
    return float(tf.image.ssim(tf.cast(reference, tf.float32), tf.cast(estimate, tf.float32), max_val=255.0))
