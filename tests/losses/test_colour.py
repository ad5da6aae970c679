import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.colour import colour_loss


def test_value_worked_by_hand():
    hr = np.zeros((1, 32, 48, 3), np.float32)
    sr = hr.copy()
    sr[0, :16, :16, 0] = 0.5  # one of six areas, one of three channels
    assert float(colour_loss(hr, sr)) == pytest.approx(0.5 / 18)


def test_texture_does_not_count(rng):
    hr = rng.random((2, 32, 32, 3), np.float32)
    sr = hr.reshape(2, 2, 16, 2, 16, 3)[:, :, ::-1].reshape(hr.shape)  # the rows of each area in another order
    assert np.abs(hr - sr).mean() > 0.1
    assert float(colour_loss(hr, sr)) == pytest.approx(0, abs=1e-6)
    assert float(colour_loss(hr, sr + np.float32([0.1, 0, 0]))) == pytest.approx(0.1 / 3, rel=1e-4)


def test_its_gradient_moves_whole_areas_towards_hr():
    hr, sr = np.zeros((1, 16, 35, 3), np.float32), tf.constant(np.ones((1, 16, 35, 3), np.float32))
    with tf.GradientTape() as tape:
        tape.watch(sr)
        loss = colour_loss(hr, sr)
    gradient = tape.gradient(loss, sr).numpy()
    np.testing.assert_allclose(gradient[:, :, :32], 1 / (2 * 3 * 256), rtol=1e-5)
    assert not gradient[:, :, 32:].any()  # beyond the last whole area
