import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.grid import grid_energy, grid_loss, phase_means


def grid(height, width, scale, amplitude):
    """1 at the first pixel of each period, by hand: the mean of a period is amplitude / scale^2."""
    image = np.zeros((1, height, width, 3), np.float32)
    image[:, ::scale, ::scale] = amplitude
    return image


def test_phase_means_of_a_grid_by_hand():
    means = phase_means(grid(64, 96, 4, 0.16), 4).numpy()
    assert means.shape == (1, 2, 3, 4, 4, 3)
    # The mean 0.16 / 16 = 0.01 is taken off each phase.
    np.testing.assert_allclose(means[..., 0, 0, :], 0.15, atol=1e-6)
    np.testing.assert_allclose(means[..., 1, 2, :], -0.01, atol=1e-6)


def test_energy_of_a_grid_by_hand():
    # (0.15^2 + 15 * 0.01^2) / 16 = 0.0015
    assert float(grid_energy(grid(70, 41, 4, 0.16), 4)) == pytest.approx(0.0015**0.5, rel=1e-5)


def test_other_structure_hardly_counts(rng):
    assert float(grid_energy(np.full((1, 64, 64, 3), 0.7, np.float32), 4)) == pytest.approx(0, abs=1e-6)
    assert float(grid_energy(grid(64, 64, 8, 0.16), 4)) < 0.0015**0.5  # another period
    noise = rng.normal(0, 0.1, (1, 256, 256, 3)).astype(np.float32)
    # 64 values in each mean: 0.1 / 8.
    assert float(grid_energy(noise, 4)) == pytest.approx(0.0125, rel=0.1)


def test_loss_by_hand_and_its_gradient():
    hr = np.zeros((1, 32, 32, 3), np.float32)
    sr = tf.Variable(grid(32, 32, 4, 0.16))
    with tf.GradientTape() as tape:
        loss = grid_loss(hr, sr, 4)
    # (0.15 + 15 * 0.01) / 16
    assert float(loss) == pytest.approx(0.01875, rel=1e-5)
    gradient = tape.gradient(loss, sr).numpy()
    assert (gradient[:, ::4, ::4] > 0).all()
    assert gradient.sum() == pytest.approx(0, abs=1e-5)  # brightness is not its business
    assert float(grid_loss(hr, hr + 0.3, 4)) == pytest.approx(0, abs=1e-7)


def test_small_patches_and_images():
    small = grid(16, 16, 4, 0.16)
    assert float(grid_loss(np.zeros_like(small), small, 4)) == pytest.approx(0.01875, rel=1e-5)
    with pytest.raises(ValueError, match="at least 32x32"):
        grid_energy(small, 4)
