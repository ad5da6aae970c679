import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses import pixel


def test_values_worked_by_hand():
    hr = tf.zeros((3, 17, 23, 3))
    sr = tf.fill((3, 17, 23, 3), 0.1)
    assert float(pixel.mse(hr, sr)) == pytest.approx(0.01)
    assert float(pixel.l1(hr, sr)) == pytest.approx(0.1)
    assert float(pixel.charbonnier(hr, sr)) == pytest.approx(np.sqrt(0.01 + 1e-6), rel=1e-6)
    assert float(pixel.charbonnier(hr, hr)) == pytest.approx(1e-3)


def test_against_numpy_with_unequal_errors(rng):
    # With equal errors the order of mean and square would not matter.
    hr, sr = rng.random((2, 3, 17, 23, 3))
    error = hr - sr
    expected = {"mse": error**2, "l1": np.abs(error), "charbonnier": np.sqrt(error**2 + 1e-6)}
    assert set(expected) == set(pixel.PIXEL_LOSSES)
    for name, errors in expected.items():
        assert float(pixel.PIXEL_LOSSES[name](hr, sr)) == pytest.approx(errors.mean(), rel=1e-5)


def test_charbonnier_has_a_gradient_where_l1_has_none():
    sr = tf.zeros((1, 2, 2, 3))
    with tf.GradientTape() as tape:
        tape.watch(sr)
        loss = pixel.charbonnier(tf.zeros((1, 2, 2, 3)), sr)
    assert np.isfinite(tape.gradient(loss, sr)).all()
