import numpy as np
import pytest
import tensorflow as tf
from skimage.metrics import structural_similarity

from srgan_tf.losses.structure import ssim_loss


def test_equal_images_have_no_loss(rng):
    image = tf.constant(rng.random((2, 17, 23, 3), np.float32))
    assert float(ssim_loss(image, image)) == pytest.approx(0.0, abs=1e-6)


def test_two_flat_images_worked_by_hand():
    # Without variance only the luminance term remains: (2ab + C1) / (a^2 + b^2 + C1), C1 = 0.01^2.
    first, second = (tf.fill((1, 16, 16, 3), value) for value in (0.5, 0.25))
    expected = (2 * 0.5 * 0.25 + 1e-4) / (0.5**2 + 0.25**2 + 1e-4)
    assert float(ssim_loss(first, second)) == pytest.approx(1 - expected, abs=2e-4)


def test_negatives_worked_by_hand():
    # A checkerboard and its negative: covariance -variance, so that the structure term is near -1 and the loss near 2.
    checkerboard = np.indices((20, 20)).sum(0) % 2
    image = np.broadcast_to(checkerboard[None, ..., None], (1, 20, 20, 3)).astype(np.float32)
    loss = float(ssim_loss(tf.constant(image), tf.constant(1 - image)))
    expected = (-2 * 0.25 + 9e-4) / (2 * 0.25 + 9e-4)  # variance 0.25, equal means, C2 = 0.03^2
    assert loss == pytest.approx(1 - expected, abs=0.01)


@pytest.mark.parametrize("shape", [(11, 11), (24, 37)])
def test_beside_scikit_image(rng, shape):
    first = rng.random((2, *shape, 3), np.float32)
    second = np.clip(first + 0.2 * rng.normal(size=first.shape), 0, 1).astype(np.float32)
    scores = []
    for hr, sr in zip(first, second, strict=True):
        _, similarity = structural_similarity(
            *(hr, sr),
            data_range=1.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        scores.append(similarity[5:-5, 5:-5].mean())
    assert float(ssim_loss(tf.constant(first), tf.constant(second))) == pytest.approx(1 - np.mean(scores), abs=1e-4)


def test_gradient_descent_lowers_it(rng):
    hr = tf.constant(rng.random((1, 16, 16, 3), np.float32))
    sr = tf.Variable(tf.fill(hr.shape, 0.5) + 0.05 * (hr - 0.5))
    losses = []
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = ssim_loss(hr, sr)
        sr.assign_sub(2.0 * tape.gradient(loss, sr))
        losses.append(float(loss))
    assert losses[-1] < 0.9 * losses[0]


def test_the_gradient_of_equal_flat_images_is_finite():
    image = tf.ones((1, 16, 16, 3))
    with tf.GradientTape() as tape:
        tape.watch(image)
        loss = ssim_loss(tf.ones((1, 16, 16, 3)), image)
    gradient = tape.gradient(loss, image).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() < 1e-4


def test_it_compiles_with_xla(rng):
    hr, sr = tf.constant(rng.random((2, 1, 16, 16, 3), np.float32))
    compiled = tf.function(ssim_loss, jit_compile=True)
    assert float(compiled(hr, sr)) == pytest.approx(float(ssim_loss(hr, sr)), abs=1e-5)
