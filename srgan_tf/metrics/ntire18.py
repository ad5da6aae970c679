"""The scores of the NTIRE 2018 challenge: for its realistic tracks PSNR and SSIM under the best of 81x81 shifts.

The LR pictures of tracks 2 to 4 are shifted against HR by an unknown amount and may differ in brightness, so the
organisers' program compares a 60x60 window in the centre of HR with every window of SR up to 40 pixels away:

    border of 6 + scale pixels removed; H the centre window of HR, S the window of SR at a shift
    PSNR: best over all 81^2 shifts of PSNR(H, S * mean(H) / mean(S)), on R, G and B together, peak 255
    SSIM: best over the 41^2 even shifts of the mean over R, G and B of SSIM(H, S), Gaussian window of 11, sigma 1.5

Only 3,600 pixels of each picture count, and a shift or a brightness error costs nothing: the values can't be compared
with those of any other protocol. Source: the scoring program that participants of the challenge published.

The search is exact and fast: the error at every shift follows from sliding sums and one correlation, the cross terms of
SSIM from products with two band matrices. The best candidates are then scored directly in float64.
"""

import concurrent.futures
import functools
import os

import numpy as np

from srgan_tf.images.pixels import shave
from srgan_tf.metrics.fidelity import psnr_rgb

SHIFT = 40  # pixels, each way
WINDOW = 60  # side of the compared window, pixels

_THREADS = min(4, os.cpu_count() or 1)
_KERNEL_RADIUS = 5
_SIGMA = 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_SEARCH = WINDOW + 2 * SHIFT


def border_of(scale):
    """Pixels that the protocol removes at each side."""
    return 6 + scale


def psnr_ntire18(hr, sr, scale):
    """PSNR in dB under the best shift, brightness normalised; `inf` where a window matches exactly.

    Args:
        hr: uint8 [height, width, 3], at least 140 pixels each way without the border.
        sr: uint8, the same shape.
        scale: super-resolution factor.

    Raises:
        ValueError: the picture is too small for the search.
    """
    window, area = _window_and_area(hr, sr, scale)
    values = WINDOW * WINDOW * 3
    sums = _sliding_sum(area.sum(axis=2))
    squares = _sliding_sum(np.square(area).sum(axis=2))
    products = _correlation(window, area)
    gains = window.sum() / np.maximum(sums, 1e-9)
    errors = np.square(window).sum() - 2 * gains * products + np.square(gains) * squares
    # Rounding is about 1e-6 of an error here: score every shift within that of the best directly.
    best = np.argsort(errors, axis=None)[:16]
    return max(_psnr(window, _at(area, *np.unravel_index(index, errors.shape)), values) for index in best)


def ssim_ntire18(hr, sr, scale):
    """SSIM under the best even shift, brightness as it is.

    Args:
        hr: as for `psnr_ntire18`; so are the others.
        sr: uint8, the same shape.
        scale: super-resolution factor.

    Raises:
        ValueError: the picture is too small for the search.
    """
    window, area = _window_and_area(hr, sr, scale)
    scores = _ssim_of_even_shifts(window.astype(np.float32), area.astype(np.float32))
    best = np.argsort(-scores, axis=None)[:4]
    return max(
        float(_ssim(window, _at(area, *(2 * place for place in np.unravel_index(index, scores.shape)))))
        for index in best
    )


def psnr_ntire18_x8(hr, sr, scale):
    """PSNR in dB of track 1: on R, G and B together, peak 255, without a border of 6 + scale pixels; no shift search.

    Args:
        hr: uint8 [height, width, 3].
        sr: uint8, the same shape.
        scale: super-resolution factor, 8 in the challenge.

    Raises:
        ValueError: nothing remains without the border.
    """
    return psnr_rgb(*(shave(image, border_of(scale)) for image in (hr, sr)))


def _window_and_area(hr, sr, scale):
    """The centre window of HR, and the part of SR that it is compared with, float64."""
    border = border_of(scale)
    height, width = (side - side % scale - 2 * border for side in hr.shape[:2])
    if min(height, width) < _SEARCH:
        least = _SEARCH + 2 * border
        raise ValueError(f"the protocol ntire18 needs {least}x{least} pixels. Received: {hr.shape[1]}x{hr.shape[0]}")
    top, left = height // 2 - WINDOW // 2 + border, width // 2 - WINDOW // 2 + border
    window = hr[top : top + WINDOW, left : left + WINDOW].astype(np.float64)
    area = sr[top - SHIFT : top + WINDOW + SHIFT, left - SHIFT : left + WINDOW + SHIFT].astype(np.float64)
    return window, area


def _at(area, row, column):
    return area[row : row + WINDOW, column : column + WINDOW]


def _psnr(window, shifted, values):
    error = np.square(window - shifted * (window.mean() / max(shifted.mean(), 1e-9))).sum() / values
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(255.0**2 / error))


def _sliding_sum(plane):
    """Sums over every WINDOW x WINDOW window of a plane."""
    table = np.pad(plane, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    return table[WINDOW:, WINDOW:] - table[:-WINDOW, WINDOW:] - table[WINDOW:, :-WINDOW] + table[:-WINDOW, :-WINDOW]


def _correlation(window, area):
    """Sums of products of the window with every window of the area, over all channels."""
    shape = area.shape[:2]
    spectrum = np.conj(np.fft.rfft2(window, shape, axes=(0, 1))) * np.fft.rfft2(area, axes=(0, 1))
    shifts = area.shape[0] - WINDOW + 1
    return np.fft.irfft2(spectrum.sum(axis=2), shape, axes=(0, 1))[:shifts, :shifts]


_OFFSETS = np.arange(-_KERNEL_RADIUS, _KERNEL_RADIUS + 1)
_WEIGHTS = np.exp(-(_OFFSETS**2) / (2 * _SIGMA**2))
_WEIGHTS /= _WEIGHTS.sum()
_TAPS = range(len(_WEIGHTS))


@functools.cache
def _band():
    """The Gaussian window as a float32 matrix from WINDOW values to the WINDOW - 10 where it fits."""
    inner = WINDOW - 2 * _KERNEL_RADIUS
    band = np.zeros((inner, WINDOW), np.float32)
    for row in range(inner):
        band[row, row : row + len(_WEIGHTS)] = _WEIGHTS
    return band


def _filtered(planes):
    """[..., height, width], filtered by the Gaussian window where it fits; no BLAS, whose threads would spin after."""
    for axis in (-2, -1):
        inner = planes.shape[axis] - 2 * _KERNEL_RADIUS
        slices = [planes[..., tap : tap + inner, :] if axis == -2 else planes[..., tap : tap + inner] for tap in _TAPS]
        planes = functools.reduce(
            np.add, (weight * part for weight, part in zip(_WEIGHTS.astype(planes.dtype), slices, strict=True))
        )
    return planes


def _ssim(window, shifted):
    reference, estimate = (np.moveaxis(image, 2, 0) for image in (window, shifted))
    cross = _filtered(reference * estimate)
    means = _filtered(reference), _filtered(estimate)
    squares = _filtered(reference**2), _filtered(estimate**2)
    return _ssim_map(*means, *squares, cross).mean()


def _ssim_map(mean_x, mean_y, square_x, square_y, cross):
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    variances = square_x - mean_x**2 + square_y - mean_y**2
    return luminance * (2 * (cross - mean_x * mean_y) + _C2) / (variances + _C2)


def _ssim_of_even_shifts(window, area):
    """Mean SSIM at every even shift, [41, 41], in float32."""
    channels = [np.ascontiguousarray(image.transpose(2, 0, 1)) for image in (window, area)]
    rows = [row for planes in zip(*channels, strict=True) for row in _rows_of_shifts(*planes)]
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:  # NumPy releases the GIL
        scores = [*pool.map(lambda row: row(), rows)]
    return np.reshape(scores, (3, -1, len(scores[0]))).mean(axis=0)


def _rows_of_shifts(reference, estimate):
    """For one channel and each row of even shifts, a function of no arguments: the mean SSIM at its shifts, [41]."""
    inner = WINDOW - 2 * _KERNEL_RADIUS
    mean_x, mean_y = _filtered(reference), _filtered(estimate)
    variance_x, variance_y = _filtered(reference**2) - mean_x**2, _filtered(estimate**2) - mean_y**2
    of_x = (2 * reference, 2 * mean_x, mean_x**2 + np.float32(_C1), variance_x + np.float32(_C2))
    # Filtered once for all shifts: [41, 41, 50, 50] views of [130, 130].
    of_y = zip(
        _windows(estimate, WINDOW), *(_windows(plane, inner) for plane in (mean_y, mean_y**2, variance_y)), strict=True
    )
    return [functools.partial(_row_of_shifts, *of_x, *windows) for windows in of_y]


def _row_of_shifts(twice_x, twice_mean_x, base_x, variance_x, y, mean_y, square_y, variance_y):
    """Mean SSIM at 41 shifts. In place, so that all arrays stay in the cache."""
    band = _band()
    ratio = band @ ((twice_x * y) @ band.T)
    luminance = twice_mean_x * mean_y
    luminance += np.float32(_C1)
    ratio -= luminance
    ratio += np.float32(_C1 + _C2)  # now 2 * covariance + C2
    ratio *= luminance
    below = np.add(base_x, square_y, out=luminance)
    ratio /= below
    ratio /= np.add(variance_x, variance_y, out=below)
    return ratio.mean(axis=(1, 2))


def _windows(plane, side):
    """Views of every second window of `side` pixels, [shifts, shifts, side, side]."""
    return np.lib.stride_tricks.sliding_window_view(plane, (side, side))[::2, ::2]
