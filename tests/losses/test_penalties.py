import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.penalties import gradient_penalty, r1_penalty


@pytest.fixture
def batch(rng):
    return tf.constant(rng.random((2, 3, 17, 23, 3), np.float32))


def linear_critic(rng, slope):
    """Logits w.x + 2 with a gradient w of norm `slope`."""
    w = rng.normal(size=(17, 23, 3)).astype(np.float32)
    w *= slope / np.linalg.norm(w)
    return lambda images: tf.reduce_sum(w * images, axis=(1, 2, 3))[:, tf.newaxis] + 2.0


@pytest.mark.parametrize("slope", [0.25, 1.0, 3.0])
def test_exact_for_a_linear_critic(rng, batch, slope):
    hr, sr = batch
    critic = linear_critic(rng, slope)
    penalty = gradient_penalty(critic, hr, sr, rng.random(3).astype(np.float32))
    assert float(penalty) == pytest.approx((slope - 1) ** 2, abs=1e-6)
    assert float(r1_penalty(critic, hr)) == pytest.approx(0.5 * slope**2, rel=1e-5)


def test_gradient_norms_are_taken_at_the_interpolates():
    # The critic |x|^2 / 2 has the gradient norm |x|. Real images are 3 in each of 12 elements, fakes 1; a quarter of
    # the way from fake to real is 1.5, of norm 1.5 * sqrt(12).
    hr, sr = tf.fill((2, 2, 2, 3), 3.0), tf.fill((2, 2, 2, 3), 1.0)

    def critic(images):
        return 0.5 * tf.reduce_sum(tf.square(images), axis=(1, 2, 3))

    assert float(gradient_penalty(critic, hr, sr, [0.25, 0.25])) == pytest.approx((1.5 * 12**0.5 - 1) ** 2, rel=1e-5)
    ends = (3 * 12**0.5 - 1) ** 2, (12**0.5 - 1) ** 2
    assert float(gradient_penalty(critic, hr, sr, [1.0, 0.0])) == pytest.approx(sum(ends) / 2, rel=1e-5)
    assert float(r1_penalty(critic, hr)) == pytest.approx(0.5 * 9 * 12, rel=1e-5)


def test_a_map_of_logits_is_averaged(rng, batch):
    hr, sr = batch
    critic, positions = linear_critic(rng, 3.0), [0.1, 0.5, 0.9]

    def mapped(images):
        return tf.tile(critic(images)[:, tf.newaxis, tf.newaxis], (1, 4, 5, 1))

    assert float(gradient_penalty(mapped, hr, sr, positions)) == pytest.approx(4.0, rel=1e-5)
    assert float(r1_penalty(mapped, hr)) == pytest.approx(4.5, rel=1e-5)


def test_a_flat_critic_has_a_finite_gradient(batch):
    hr, sr = batch
    slope = tf.Variable(0.0)
    with tf.GradientTape() as tape:
        penalty = gradient_penalty(lambda images: slope * tf.reduce_sum(images, (1, 2, 3)), hr, sr, [0.1, 0.5, 0.9])
    assert float(penalty) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(tape.gradient(penalty, slope))


def test_gradient_reaches_the_critic_and_not_the_generator(rng, batch):
    keras.utils.set_random_seed(0)
    critic = keras.Sequential([keras.layers.Conv2D(4, 3, 2, activation="leaky_relu"), keras.layers.Conv2D(1, 3)])
    critic.build((None, 17, 23, 3))
    hr, sr = tf.Variable(batch[0]), tf.Variable(batch[1])
    with tf.GradientTape(persistent=True) as tape:
        penalties = gradient_penalty(critic, hr, sr, [0.1, 0.5, 0.9]), r1_penalty(critic, tf.convert_to_tensor(hr))
    for penalty in penalties:
        kernels = [weight for weight in critic.trainable_variables if "kernel" in weight.path]
        for gradient in tape.gradient(penalty, kernels):
            assert np.abs(gradient).max() > 0
        assert tape.gradient(penalty, sr) is None
