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


@pytest.mark.parametrize("name", ADVERSARIAL_LOSSES)
def test_directions(name):
    loss = ADVERSARIAL_LOSSES[name]
    real, fake = tf.Variable([[0.3]]), tf.Variable([[-0.2]])
    with tf.GradientTape(persistent=True) as tape:
        g_loss, d_loss = loss.generator(real, fake), loss.discriminator(real, fake)
    assert float(tape.gradient(g_loss, fake)[0, 0]) < 0  # the generator wants fakes judged real
    assert float(tape.gradient(d_loss, fake)[0, 0]) > 0  # the discriminator wants them judged fake
    assert float(tape.gradient(d_loss, real)[0, 0]) < 0
