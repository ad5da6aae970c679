"""Chains run backwards step by step, with predictions that are known."""

import itertools

import numpy as np
import pytest

from srgan_tf.diffusion.schedules import linear_schedule, shift_schedule


def sample(predict, schedule, steps, noise):
    """Runs a chain backwards, from noise to an image.

    Args:
        predict: function from a state float32 array and its number t to an estimate of the image.
        schedule: a `Schedule`.
        steps: number of steps, at most the length of the chain.
        noise: function of the number of a step, from 0, to standard normal noise of the shape of the image.

    Returns:
        The image.
    """
    states = schedule.strided(steps)
    z = schedule.noise[states[0]] * noise(0)
    for index, (state, target) in enumerate(itertools.pairwise(states), start=1):
        of_state, of_image, deviation = schedule.step(state, target)
        z = of_state * z + of_image * predict(np.float32(z), state)
        if deviation:
            z = z + deviation * noise(index)
    return z


@pytest.mark.parametrize("schedule", [linear_schedule(), shift_schedule(4), shift_schedule(40)])
def test_a_perfect_prediction_is_returned(rng, schedule):
    image = rng.standard_normal((3, 4))
    for steps in (1, 4):
        result = sample(lambda z, state: image, schedule, steps, lambda step: rng.standard_normal((3, 4)))
        np.testing.assert_allclose(result, image)


def posterior_mean(schedule, values):
    """The ideal prediction for an image whose pixels take one of some values, each equally often."""

    def predict(z, state):
        distance = (z[..., np.newaxis] - schedule.signal[state] * values) / schedule.noise[state]
        logits = -(distance**2) / 2
        likelihood = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return (likelihood * values).sum(-1) / likelihood.sum(-1)

    return predict


@pytest.mark.parametrize(("schedule", "steps"), [(linear_schedule(), 200), (shift_schedule(100), 100)])
def test_a_toy_distribution_is_recovered(rng, schedule, steps):
    values = np.array([-1.0, 0.5, 2.0])
    predict = posterior_mean(schedule, values)
    samples = sample(predict, schedule, steps, lambda step: rng.standard_normal(4000))
    nearest = np.abs(samples[:, np.newaxis] - values).argmin(1)
    assert np.abs(samples - values[nearest]).max() < 0.15
    shares = np.bincount(nearest, minlength=3) / 4000
    assert np.abs(shares - 1 / 3).max() < 0.06
