import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.ranking import rank_content_loss, ranking_loss


def test_margin_worked_by_hand():
    # Far enough apart: 0. Too close: 0.1 - 0.3 + 0.5. The wrong way round: 2 + 1 + 0.5. Clipped: -5 against -5.
    better = tf.constant([[-1.0], [0.1], [2.0], [-9.0]])
    worse = tf.constant([[1.0], [0.3], [-1.0], [-7.0]])
    assert float(ranking_loss(better, worse)) == pytest.approx((0.0 + 0.3 + 3.5 + 0.5) / 4)


def test_lower_is_better():
    better, worse = tf.Variable([[0.0]]), tf.Variable([[0.0]])
    with tf.GradientTape() as tape:
        loss = ranking_loss(better, worse)
    to_better, to_worse = tape.gradient(loss, [better, worse])
    assert float(to_better[0, 0]) > 0 > float(to_worse[0, 0])  # descent lowers the better one's score
    score = tf.Variable([[0.0]])
    with tf.GradientTape() as tape:
        loss = rank_content_loss(score)
    assert float(loss) == pytest.approx(0.5)
    assert float(tape.gradient(loss, score)[0, 0]) == pytest.approx(0.25)  # the generator lowers it too


def test_rank_content_is_the_mean_sigmoid(rng):
    scores = rng.normal(size=(8, 1))
    assert float(rank_content_loss(scores)) == pytest.approx(np.mean(1 / (1 + np.exp(-scores))))
