import functools
import math

import numpy as np
import pytest
import skimage.metrics

from srgan_tf.data.sources import open_source
from srgan_tf.images import pixels
from srgan_tf.images.resize import imresize
from srgan_tf.metrics import fidelity


def test_an_error_of_a_tenth_is_20_db():
    reference = np.zeros((17, 23, 3))
    assert fidelity.psnr_rgb(reference, reference + 25.5) == pytest.approx(20.0, abs=1e-12)


def test_psnr_does_not_wrap_around():
    # In uint8 arithmetic 10 - 20 is 246.
    reference, estimate = np.full((12, 12, 3), 10, np.uint8), np.full((12, 12, 3), 20, np.uint8)
    assert fidelity.psnr_rgb(reference, estimate) == pytest.approx(20 * math.log10(255 / 10))


def test_psnr_on_luma_weights_the_channels():
    # One grey level of green is 128.553 / 255 of luma.
    reference = np.full((12, 12, 3), 100, np.uint8)
    estimate = reference + np.array([0, 1, 0], np.uint8)
    assert fidelity.psnr_y(reference, estimate) == pytest.approx(20 * math.log10(255 / (128.553 / 255)))


def test_equal_pictures():
    picture = np.full((12, 12, 3), 100, np.uint8)
    assert fidelity.psnr_y(picture, picture) == math.inf
    assert fidelity.ssim_y(picture, picture) == pytest.approx(1.0)


def test_ssim_against_its_definition_in_numpy(rng):
    reference = rng.integers(0, 256, (13, 15, 3), dtype=np.uint8)
    estimate = np.clip(reference + rng.normal(0, 20, reference.shape), 0, 255).astype(np.uint8)

    def ssim(x, y):
        offsets = np.arange(11) - 5
        window = np.exp(-(offsets[:, np.newaxis] ** 2 + offsets**2) / (2 * 1.5**2))
        window /= window.sum()
        values = []
        for top in range(x.shape[0] - 10):
            for left in range(x.shape[1] - 10):
                a, b = (image[top : top + 11, left : left + 11] for image in (x, y))
                mean_a, mean_b = (window * a).sum(), (window * b).sum()
                var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
                covariance = (window * (a - mean_a) * (b - mean_b)).sum()
                c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
                values.append(
                    (2 * mean_a * mean_b + c1)
                    * (2 * covariance + c2)
                    / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
                )
        return np.mean(values)

    luma = [pixels.luma(image).numpy()[..., 0] for image in (reference, estimate)]
    assert fidelity.ssim_y(reference, estimate) == pytest.approx(ssim(*luma), abs=1e-5)
    channels = [ssim(reference[..., c].astype(float), estimate[..., c].astype(float)) for c in range(3)]
    assert fidelity.ssim_rgb(reference, estimate) == pytest.approx(np.mean(channels), abs=1e-5)


def test_against_scikit_image(real_data):
    """Three images, with and without a border: `structural_similarity` averages valid windows only."""
    source = open_source(str(real_data / "benchmark" / "Set14"), split="valid", scale=4).select(range(3))
    for pair in source:
        sr = imresize(pair.lr, *pair.hr.shape[:2])
        for border in (0, 4):
            hr_rgb, sr_rgb = pixels.shave(pair.hr, border), pixels.shave(sr, border)
            hr_y, sr_y = (pixels.luma(image).numpy()[..., 0] for image in (hr_rgb, sr_rgb))
            psnr = functools.partial(skimage.metrics.peak_signal_noise_ratio, data_range=255)
            ssim = functools.partial(
                skimage.metrics.structural_similarity,
                data_range=255,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
            )
            assert fidelity.psnr_rgb(hr_rgb, sr_rgb) == pytest.approx(psnr(hr_rgb, sr_rgb), abs=1e-6)
            assert fidelity.psnr_y(hr_rgb, sr_rgb) == pytest.approx(psnr(hr_y, sr_y), abs=1e-6)
            assert fidelity.ssim_rgb(hr_rgb, sr_rgb) == pytest.approx(ssim(hr_rgb, sr_rgb, channel_axis=-1), abs=1e-4)
            assert fidelity.ssim_y(hr_rgb, sr_rgb) == pytest.approx(ssim(hr_y, sr_y), abs=1e-4)


def test_ssim_needs_its_window():
    with pytest.raises(ValueError, match="10x12"):
        fidelity.ssim_y(np.zeros((12, 10, 3), np.uint8), np.zeros((12, 10, 3), np.uint8))


def test_lr_psnr_of_a_colour_shift(rng):
    hr = rng.integers(40, 200, (48, 64, 3), dtype=np.uint8)
    lr = imresize(hr, 12, 16)
    assert fidelity.psnr_lr(lr, hr) == math.inf
    assert fidelity.psnr_lr(lr, hr + np.uint8(10)) == pytest.approx(20 * math.log10(255 / 10))
