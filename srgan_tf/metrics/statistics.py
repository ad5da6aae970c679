"""Confidence intervals of a mean over images."""

import numpy as np


def bootstrap_interval(values, *, level=0.95, resamples=10_000, seed=0):
    """The percentile bootstrap confidence interval of a mean (Efron 1979).

    It estimates how the mean would vary with other images of the same kind. For small samples it is too narrow: with
    five Gaussian values, the size of Set5, it covers the true mean in 84 % of cases instead of 95 %, with fourteen in
    92 %. To compare two models, pass the differences per image: images vary more than models, and the common part
    cancels.

    Args:
        values: one value per image.
        level: confidence level.
        resamples: number of bootstrap samples, a multiple of 100.
        seed: random seed.

    Returns:
        `[low, high]`, or None if there are fewer than two values or one is not finite.
    """
    values = np.asarray(values, np.float64)
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    rng = np.random.default_rng(seed)
    rounds = 100  # limits the memory for thousands of images
    means = [
        values[rng.integers(0, len(values), (resamples // rounds, len(values)))].mean(axis=1) for _ in range(rounds)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return [float(low), float(high)]
