import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.artifacts import artifact_loss, artifact_map


def numpy_map(hr, sr, sr_ema, window=7):
    """One picture [height, width, 3], window by window, in float64."""
    residual, residual_ema = (np.abs(hr.astype(np.float64) - x).sum(-1) for x in (sr, sr_ema))
    padded = np.pad(residual, window // 2, mode="reflect")
    result = np.zeros_like(residual)
    for i, j in np.ndindex(residual.shape):
        if residual[i, j] >= residual_ema[i, j]:
            result[i, j] = padded[i : i + window, j : j + window].var(ddof=1) * residual.var(ddof=1) ** 0.2
    return result[..., np.newaxis]


def test_against_numpy(rng):
    hr, sr, sr_ema = rng.random((3, 3, 17, 23, 3), np.float32)
    expected = np.stack([numpy_map(*pictures) for pictures in zip(hr, sr, sr_ema, strict=True)])
    assert (expected == 0).mean() > 0.3  # both branches
    np.testing.assert_allclose(artifact_map(hr, sr, sr_ema), expected, rtol=1e-4, atol=1e-6)
    loss = (expected * np.abs(hr - sr)).mean()
    assert float(artifact_loss(hr, sr, sr_ema)) == pytest.approx(loss, rel=1e-4)


def test_small_residuals_keep_their_precision(rng):
    # A residual of 1.5 that varies by a thousandth: squares minus squares of it would be lost in float32.
    hr = np.zeros((1, 16, 16, 3), np.float32)
    sr = 0.5 + 0.001 * rng.normal(size=hr.shape).astype(np.float32)
    expected = numpy_map(hr[0], sr[0], hr[0])
    np.testing.assert_allclose(artifact_map(hr, sr, hr)[0], expected, rtol=0.02, atol=1e-10)


def test_map_is_zero_where_the_ema_generator_is_worse(rng):
    hr, sr = rng.random((2, 1, 9, 9, 3), np.float32)
    assert np.abs(artifact_map(hr, sr, hr + 2.0)).max() == 0
    assert np.abs(artifact_map(hr, sr, hr)).max() > 0


def test_no_gradient_flows_through_the_map(rng):
    hr, sr, sr_ema = (tf.constant(x) for x in rng.random((3, 1, 9, 9, 3), np.float32))
    with tf.GradientTape() as tape:
        tape.watch([sr, sr_ema])
        loss = artifact_loss(hr, sr, sr_ema)
    to_sr, to_ema = tape.gradient(loss, [sr, sr_ema])
    # As if the map were a constant weight: that times the sign of the error, over the number of elements.
    expected = artifact_map(hr, sr, sr_ema) * tf.sign(sr - hr) / tf.size(sr, tf.float32)
    np.testing.assert_allclose(to_sr, expected, rtol=1e-4, atol=1e-9)
    assert to_ema is None
