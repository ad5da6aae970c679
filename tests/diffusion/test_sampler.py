import numpy as np
import pytest

from srgan_tf.diffusion.sampler import image_from_noise, pixel_noise, sample
from srgan_tf.diffusion.schedules import linear_schedule, shift_schedule


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


def test_the_image_that_a_noise_implies():
    assert image_from_noise(np.array([2.0]), np.array([0.5]), 0.8, 0.6) == pytest.approx((2 - 0.3) / 0.8)


def test_noise_of_a_tile_is_that_of_the_whole_image():
    whole = pixel_noise(7, 1, (0, 20), (0, 30))
    assert whole.shape == (20, 30, 3)
    np.testing.assert_array_equal(pixel_noise(7, 1, (5, 12), (9, 30)), whole[5:12, 9:])
    for other in (pixel_noise(8, 1, (0, 20), (0, 30)), pixel_noise(7, 2, (0, 20), (0, 30))):
        assert np.abs(np.corrcoef(whole.ravel(), other.ravel())[0, 1]) < 0.1
    assert abs(whole.mean()) < 0.1
    assert abs(whole.std() - 1) < 0.05
