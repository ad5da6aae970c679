import math

import numpy as np
import pytest

from srgan_tf.metrics.statistics import bootstrap_interval


def test_interval_of_two_values_by_hand():
    # A resample of 0 and 1 has mean 0, 0.5 or 1 with chances 1/4, 1/2, 1/4: both quantiles lie at the ends.
    assert bootstrap_interval([0.0, 1.0]) == [0.0, 1.0]
    # With level 0.4 they lie at 0.3 and 0.7, inside the middle half.
    assert bootstrap_interval([0.0, 1.0], level=0.4) == [0.5, 0.5]


def test_interval_of_many_values_is_the_normal_one(rng):
    values = rng.normal(30, 2, 1000)
    low, high = bootstrap_interval(values)
    half = 1.96 * values.std() / math.sqrt(1000)
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_coverage_of_the_true_mean(rng):
    intervals = [bootstrap_interval(rng.normal(0, 1, 50), resamples=500, seed=index) for index in range(400)]
    share = np.mean([low <= 0 <= high for low, high in intervals])
    assert share == pytest.approx(0.94, abs=3 * math.sqrt(0.94 * 0.06 / 400))


@pytest.mark.parametrize("values", [[], [3.0], [1.0, math.inf], [1.0, math.nan]])
def test_no_interval(values):
    assert bootstrap_interval(values) is None


def test_the_same_values_give_the_same_interval():
    assert bootstrap_interval([1.0, 2.0, 4.0]) == bootstrap_interval([1.0, 2.0, 4.0])
