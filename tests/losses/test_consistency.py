import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.images.resize import imresize
from srgan_tf.losses.consistency import downscale, lr_consistency


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_downscale_is_the_degradation_that_made_the_lr(rng, scale, jit_compile):
    image = rng.random((3, 5 * scale, 9 * scale, 3), np.float32)
    expected = np.stack([imresize(picture, 5, 9) for picture in image])
    actual = tf.function(lambda x: downscale(x, scale), jit_compile=jit_compile)(image)
    np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_value_worked_by_hand():
    # Bicubic weights sum to 1: downscaling keeps a uniform shift of 0.1.
    sr = tf.random.stateless_uniform((2, 16, 24, 3), (0, 0))
    assert float(lr_consistency(downscale(sr, 4), sr)) == pytest.approx(0.0, abs=1e-6)
    assert float(lr_consistency(downscale(sr, 4), sr + 0.1)) == pytest.approx(0.1, rel=1e-4)


def test_against_imresize(rng):
    lr, sr = rng.random((2, 5, 9, 3), np.float32), rng.random((2, 20, 36, 3), np.float32)
    expected = np.mean([np.abs(small - imresize(large, 5, 9)).mean() for small, large in zip(lr, sr, strict=True)])
    assert float(lr_consistency(lr, sr)) == pytest.approx(expected, rel=1e-5)


def test_gradient_reaches_every_pixel():
    sr = tf.random.stateless_uniform((1, 16, 24, 3), (0, 0))
    with tf.GradientTape() as tape:
        tape.watch(sr)
        loss = lr_consistency(tf.zeros((1, 4, 6, 3)), sr)
    assert np.abs(tape.gradient(loss, sr)).min() > 0
