"""How far a mean over pictures can be trusted."""

import numpy as np


def bootstrap_interval(values, *, level=0.95, resamples=10_000, seed=0):
    """The percentile bootstrap interval of a mean (Efron 1979).

    It tells how the mean would vary with other pictures of the same kind. With few of them it is too narrow: at five,
    as in Set5, it holds the true mean in 84 % of cases instead of 95 % (of Gaussian values; in 92 % at fourteen). For
    the difference of two models, give the differences picture by picture: pictures vary more than models do, and what
    they share cancels.

    Args:
        values: one for each picture.
        level: share of resampled means inside.
        resamples: how often pictures are drawn anew, with replacement; hundreds.
        seed: of the drawing.

    Returns:
        `[low, high]`, or None where there are fewer than two values or one is not finite.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    rng = np.random.default_rng(seed)
    rounds = 100  # so that thousands of pictures need little memory
    means = [
        values[rng.integers(0, len(values), (resamples // rounds, len(values)))].mean(axis=1) for _ in range(rounds)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]
