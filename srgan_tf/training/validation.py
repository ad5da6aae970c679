"""Validation during training: the scores of `srgan-tf evaluate`, four scores more, and sample pictures."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from srgan_tf.errors import UserError
from srgan_tf.evaluation import scoring
from srgan_tf.images import comparison
from srgan_tf.images.pixels import to_float
from srgan_tf.images.resize import imresize
from srgan_tf.losses.grid import grid_energy
from srgan_tf.metrics.stlpips import load_stlpips
from srgan_tf.metrics.table import Sample, load_metrics, score
from srgan_tf.training import names
from srgan_tf.training.objective import LossInputs

_log = logging.getLogger(__name__)

# Metrics whose best checkpoint is kept: True where higher is better.
BEST = {"psnr_y": True, names.PERCEPTUAL: False, names.STLPIPS: False}

_PERCEPTUAL_SIDE = 512  # HR pixels: VGG19's features of a whole 2K picture would take gigabytes
_STLPIPS_SIDE = 32  # smallest images of ST-LPIPS
_MOST_THREADS = 8  # of a 2K picture, each takes about 200 MB
_SAMPLE_SIDE = 256  # HR pixels: side of the sample pictures


def installed_stlpips():
    """ST-LPIPS as a function of two uint8 images; None if its weights are not installed, which is logged."""
    try:
        return load_stlpips()
    except UserError as error:
        _log.info("validation without ST-LPIPS: %s", error)
        return None


def validate(upscaler, pairs, *, samples, perceptual=None, stlpips=None):
    """Scores an upscaler and draws samples.

    Args:
        upscaler: the averaged generator as an `Upscaler`.
        pairs: list of `Pair`.
        samples: number of pictures, from the first, that become sample pictures.
        perceptual: function from `LossInputs` to the perceptual loss; None for no such score.
        stlpips: function of two uint8 images, see `installed_stlpips`; None for no such score.

    Returns:
        `(scores, sheets)`: the mean of each metric, "perceptual" and "stlpips" (of the middle 512x512 pixels, lower is
        better), "colour_drift" and "grid" (see the functions of these names); and a dictionary of comparison strips by
        picture. "grid" and "stlpips" are left out if a picture is too small for them.
    """
    metrics = load_metrics(scoring.DEFAULT_METRICS)
    smallest = min(min(pair.hr.shape[:2]) for pair in pairs)

    def score_on_device(pair, sr):
        scores = {}
        centres = [_middle(picture, _PERCEPTUAL_SIDE) for picture in (pair.hr, sr)]
        if perceptual is not None:
            images = [tf.convert_to_tensor(to_float(centre[np.newaxis])) for centre in centres]
            scores[names.PERCEPTUAL] = float(perceptual(LossInputs(*images)))
        if stlpips is not None and smallest >= _STLPIPS_SIDE:
            scores[names.STLPIPS] = stlpips(*centres)
        return scores

    def score_on_cpu(pair, sr):
        with scoring.named_errors(pair):
            scores = score(Sample(pair.lr, pair.hr, sr), metrics, scale=upscaler.scale)
        scores[names.COLOUR_DRIFT] = colour_drift(pair.lr, sr)
        if smallest >= 8 * upscaler.scale:
            scores[names.GRID] = grid(pair.hr, sr, upscaler.scale)
        return scores

    on_device, on_cpu, sheets = [], [], {}
    # Pictures are scored while the device upscales the next ones.
    with ThreadPoolExecutor(min(os.cpu_count(), _MOST_THREADS)) as threads:
        for index, pair in enumerate(pairs):
            with scoring.named_errors(pair):
                sr = scoring.upscale(upscaler, pair.lr)
            on_cpu.append(threads.submit(score_on_cpu, pair, sr))
            on_device.append(score_on_device(pair, sr))
            if index < samples:
                # Two sources may have pictures of the same name, and a name may be too long for a file.
                sheets[f"{index}-{pair.name.replace('/', '-')[:100]}"] = sample_sheet(pair, sr, upscaler.scale)
    rows = [future.result() | scores for future, scores in zip(on_cpu, on_device, strict=True)]
    return scoring.mean_scores(rows), sheets


def colour_drift(lr, sr):
    """Colour shift: the mean of the downscaled SR minus that of the LR, grey levels.

    Args:
        lr: uint8 [height, width, 3].
        sr: uint8 [scale*height, scale*width, 3].

    Returns:
        The largest absolute difference of the three channels' means.
    """
    difference = imresize(sr, *lr.shape[:2]).astype(np.float64) - lr
    return float(np.abs(difference.mean((0, 1))).max())


def grid(hr, sr, scale):
    """Energy of the grid of period `scale` in SR over that in HR: about 1 without a grid.

    Both are measured on the image minus its bicubic copy, resized to LR and back: edges of objects have all periods.

    Args:
        hr: uint8 [height, width, 3], at least `8 * scale` pixels each way.
        sr: the same shape.
        scale: period of the grid, pixels.

    Returns:
        Ratio of two `srgan_tf.losses.grid.grid_energy`.
    """
    energies = []
    for image in (sr, hr):
        height, width = (side // scale for side in image.shape[:2])
        coarse = imresize(imresize(image, height, width), *image.shape[:2])
        detail = (image.astype(np.float32) - coarse)[np.newaxis]
        energies.append(float(grid_energy(detail, scale)))
    return energies[0] / max(energies[1], 1e-3)


def sample_sheet(pair, sr, scale):
    """LR, bicubic, SR and HR of the middle of a pair, side by side, with the most detailed area enlarged."""
    lr = _middle(pair.lr, _SAMPLE_SIDE // scale)
    hr = _middle(pair.hr, _SAMPLE_SIDE, scale)
    columns = {
        "LR": comparison.nearest(lr, scale),
        "bicubic": imresize(lr, *hr.shape[:2]),
        "SR": _middle(sr, _SAMPLE_SIDE, scale),
        "HR": hr,
    }
    zoom = 4
    return comparison.strip(columns, insets=[comparison.busiest_inset(hr, zoom)], zoom=zoom)


def _middle(picture, side, grid=1):
    """The centre crop of a picture, at most `side` pixels wide and high, its corner on a multiple of `grid`."""
    top, left = ((size // grid - min(side, size) // grid) // 2 * grid for size in picture.shape[:2])
    return picture[top : top + side, left : left + side]
