import math

import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES

vanilla = ADVERSARIAL_LOSSES["vanilla"]


def test_vanilla_at_logit_zero():
    zeros = tf.zeros((4, 1))
    assert float(vanilla.generator(zeros, zeros)) == pytest.approx(math.log(2))
    assert float(vanilla.discriminator(zeros, zeros)) == pytest.approx(2 * math.log(2))


def test_vanilla_against_binary_cross_entropy_of_probabilities(rng):
    real, fake = rng.normal(size=(2, 8, 1)).astype(np.float32)

    def probability(logit):
        return 1 / (1 + np.exp(-logit))

    expected = -np.log(probability(real)).mean() - np.log(1 - probability(fake)).mean()
    assert float(vanilla.discriminator(real, fake)) == pytest.approx(expected, rel=1e-5)
    assert float(vanilla.generator(real, fake)) == pytest.approx(-np.log(probability(fake)).mean(), rel=1e-5)


def test_vanilla_is_finite_at_extreme_logits():
    large = tf.constant([[1e4]])
    assert float(vanilla.generator(large, -large)) == pytest.approx(1e4)
    assert float(vanilla.discriminator(-large, large)) == pytest.approx(2e4)


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [
        # Logits 1 and 3 for real pictures (mean 2), -1 and 0 for fakes (mean -0.5).
        ("vanilla", (1.313262 + 0.693147) / 2, (0.313262 + 0.048587) / 2 + (0.313262 + 0.693147) / 2),
        # Real less -0.5: 1.5 and 3.5; fake less 2: -3 and -2. Softplus of 1.5, 3.5, 3, 2 and of their negatives.
        ("ra", (1.701413 + 3.529750 + 3.048587 + 2.126928) / 2, (0.201413 + 0.029750 + 0.048587 + 0.126928) / 2),
        # (-1 - 1)^2 and (0 - 1)^2; (1 - 1)^2 and (3 - 1)^2, (-1)^2 and 0.
        ("lsgan", 0.5 * (4 + 1) / 2, 0.5 * (0 + 4) / 2 + 0.5 * (1 + 0) / 2),
        # Only the fake logit 0 is on the wrong side of its margin, by 1.
        ("hinge", 0.5, 0.0 + (0 + 1) / 2),
        ("wgan_gp", 0.5, -0.5 - 2.0),
    ],
)
def test_values_worked_by_hand(name, generator, discriminator):
    real, fake = tf.constant([[1.0], [3.0]]), tf.constant([[-1.0], [0.0]])
    loss = ADVERSARIAL_LOSSES[name]
    assert float(loss.generator(real, fake)) == pytest.approx(generator, rel=1e-5)
    assert float(loss.discriminator(real, fake)) == pytest.approx(discriminator, rel=1e-5)


def test_relativistic_against_probabilities(rng):
    real, fake = rng.normal(size=(2, 8, 1))

    def probability(logit):
        return 1 / (1 + np.exp(-logit))

    real_beats, fake_beats = probability(real - fake.mean()), probability(fake - real.mean())
    loss = ADVERSARIAL_LOSSES["ra"]
    expected = -np.log(real_beats).mean() - np.log(1 - fake_beats).mean()
    assert float(loss.discriminator(real, fake)) == pytest.approx(expected)
    expected = -np.log(1 - real_beats).mean() - np.log(fake_beats).mean()
    assert float(loss.generator(real, fake)) == pytest.approx(expected)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_maps_of_logits_are_averaged(name, rng):
    real, fake = rng.normal(size=(2, 3, 1)).astype(np.float32)
    real_map, fake_map = (np.tile(x[:, np.newaxis, np.newaxis], (1, 5, 7, 1)) for x in (real, fake))
    for side in ("generator", "discriminator"):
        function = getattr(ADVERSARIAL_LOSSES[name], side)
        assert float(function(real_map, fake_map)) == pytest.approx(float(function(real, fake)), rel=1e-5)


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_gradient_directions(name):
    loss = ADVERSARIAL_LOSSES[name]
    real, fake = tf.Variable([[0.3]]), tf.Variable([[0.2]])  # undecided for every objective
    with tf.GradientTape(persistent=True) as tape:
        g_loss, d_loss = loss.generator(real, fake), loss.discriminator(real, fake)
    assert float(tape.gradient(g_loss, fake)[0, 0]) < 0  # the generator wants fakes judged real
    assert float(tape.gradient(d_loss, fake)[0, 0]) > 0  # the discriminator wants them judged fake
    assert float(tape.gradient(d_loss, real)[0, 0]) < 0
