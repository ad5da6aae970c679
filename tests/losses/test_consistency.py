import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.images.resize import imresize
from srgan_tf.losses.consistency import downscale, lr_consistency


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
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
    lr, sr = rng.random((2, 7, 9, 3), np.float32), rng.random((2, 28, 36, 3), np.float32)
    expected = np.mean(
        [np.abs(small - imresize(large, 7, 9))[2:-2, 2:-2].mean() for small, large in zip(lr, sr, strict=True)]
    )
    assert float(lr_consistency(lr, sr)) == pytest.approx(expected, rel=1e-5)


def test_a_patch_is_consistent_with_the_lr_of_its_image(rng):
    """LR pixels near the border of a patch depend on pixels outside it, which the loss must not count."""
    image = rng.random((80, 80, 3))
    lr = imresize(image, 20, 20)[6:14, 4:14]
    patch = image[24:56, 16:56].astype(np.float32)
    assert float(lr_consistency(lr[np.newaxis].astype(np.float32), patch[np.newaxis])) < 1e-6
    assert np.abs(imresize(patch, 8, 10) - lr).max() > 0.01


def test_gradient_reaches_every_pixel_of_the_inside():
    sr = tf.random.stateless_uniform((1, 24, 32, 3), (0, 0))
    with tf.GradientTape() as tape:
        tape.watch(sr)
        loss = lr_consistency(tf.zeros((1, 6, 8, 3)), sr)
    assert np.abs(tape.gradient(loss, sr))[:, 8:-8, 8:-8].min() > 0
