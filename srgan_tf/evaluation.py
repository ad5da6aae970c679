"""Scores of an upscaler on pictures: used while training and by evaluate.py, so that both speak of the same numbers."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from srgan_tf.data.pairs import Pair
from srgan_tf.errors import WorkError
from srgan_tf.inference import Upscaler
from srgan_tf.metrics.fidelity import METRICS
from srgan_tf.pixels import shave


class Scored(NamedTuple):
    """One picture, what the model made of it, and its scores by the names of `METRICS`."""

    pair: Pair
    sr: np.ndarray
    scores: dict[str, float]


def protocol(scale):
    """The words that say how the scores are made; a score without them is worthless."""
    return (
        f"uint8 pictures, border of {scale} pixels removed; Y is BT.601 luma 16-235, not rounded; "
        "SSIM with a Gaussian window of 11, sigma 1.5; mean over pictures"
    )


def evaluate(upscaler: Upscaler, pairs: Iterable[Pair]) -> Iterator[Scored]:
    """Upscales and scores pairs one by one; nothing is kept.

    Raises:
        WorkError: a picture is too small to score.
    """
    for pair in pairs:
        sr = upscaler.upscale(pair.lr)
        yield Scored(pair, sr, score(pair.hr, sr, border=upscaler.scale, name=pair.name))


def score(hr: np.ndarray, sr: np.ndarray, *, border: int, name: str = "picture") -> dict[str, float]:
    """All scores of one picture.

    Args:
        hr: uint8 [height, width, 3].
        sr: uint8, the same shape.
        border: pixels removed from each side first.
        name: of the picture, for errors.
    """
    if hr.shape != sr.shape:
        raise ValueError(f"`hr` and `sr` must have one shape. Received: {hr.shape}, {sr.shape}")
    try:
        reference, estimate = shave(hr, border), shave(sr, border)
        return {metric: function(reference, estimate) for metric, function in METRICS.items()}
    except ValueError as error:
        raise WorkError(f"cannot score {name!r}: {error}") from error


def mean_scores(scores: Iterable[dict[str, float]]) -> dict[str, float]:
    """Means over pictures (never over pixels of several pictures)."""
    rows = list(scores)
    return {metric: float(np.mean([row[metric] for row in rows])) for metric in rows[0]}


def json_scores(scores: dict[str, float]) -> dict[str, float | None]:
    """Scores as JSON can hold them: None for the infinite PSNR of equal pictures."""
    return {metric: value if math.isfinite(value) else None for metric, value in scores.items()}
