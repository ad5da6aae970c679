"""Scores of an upscaler on pictures. Validation during training and evaluation both use this code."""

import contextlib
import math
import time
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from srgan_tf.data.pairs import Pair
from srgan_tf.errors import WorkError
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import Upscaler
from srgan_tf.metrics.table import Sample, Score, score

DEFAULT_METRICS = ("psnr_y", "ssim_y", "psnr_lr")


class Scored(NamedTuple):
    """The scores of one pair.

    Attributes:
        pair: the pictures.
        sr: the result.
        scores: by the names of `METRICS`.
        seconds: duration of upscaling.
        blended: whether it was upscaled in blended tiles, since memory was not sufficient for the whole. The scores
            then depend on the memory of the machine.
    """

    pair: Pair
    sr: np.ndarray
    scores: dict[str, float]
    seconds: float
    blended: bool


def evaluate_pair(upscaler: Upscaler, pair: Pair, metrics: dict[str, Score]) -> Scored:
    """Upscales and scores one pair.

    Args:
        upscaler: the model.
        pair: the pictures.
        metrics: from `metrics.table.load_metrics`.

    Raises:
        WorkError: the picture is too small to score, or memory is not sufficient.
    """
    with named_errors(pair):
        start = time.perf_counter()
        sr, blended = _upscale(upscaler, pair.lr)
        seconds = time.perf_counter() - start
        scores = score(Sample(pair.lr, pair.hr, sr), metrics, scale=upscaler.scale)
    return Scored(pair, sr, scores, seconds, blended)


@contextlib.contextmanager
def named_errors(pair: Pair):
    """Raises errors of upscaling and scoring as `WorkError`s with the name of the pair."""
    try:
        yield
    except ValueError as error:
        raise WorkError(f"cannot score {pair.name!r}: {error}") from error
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise WorkError(f"not enough memory to score {pair.name!r}") from error


def upscale(upscaler: Upscaler, lr: np.ndarray) -> np.ndarray:
    """Upscales an image, in tiles if it is large for the free memory."""
    return _upscale(upscaler, lr)[0]


def _upscale(upscaler, lr):
    """The SR, and whether it was blended from tiles."""
    tiled = TiledUpscaler(upscaler)
    tiles = tiled.plan(*lr.shape)
    return tiled.upscale(lr, tiles), not tiles.equals_whole


def mean_scores(scores: Iterable[dict[str, float]]) -> dict[str, float]:
    """Means over pictures (never over pixels of several pictures)."""
    rows = list(scores)
    return {metric: float(np.mean([row[metric] for row in rows])) for metric in rows[0]}


def json_scores(scores: dict[str, float]) -> dict[str, float | None]:
    """Scores with None in place of values that are not finite, which JSON does not have."""
    return {metric: value if math.isfinite(value) else None for metric, value in scores.items()}
