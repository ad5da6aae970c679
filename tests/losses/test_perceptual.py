import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.perceptual import PAPER_FEATURE_SCALE, perceptual_loss


def features(image):
    """Two known feature maps: doubled pixels, and the channel mean."""
    return {"double": 2.0 * image, "mean": tf.reduce_mean(image, -1, keepdims=True)}


def test_values_worked_by_hand():
    hr, sr = tf.zeros((2, 5, 7, 3)), tf.fill((2, 5, 7, 3), 0.1)
    # 3 * (1 * 0.2)^2 + 5 * (1 * 0.1)^2
    loss = perceptual_loss(hr, sr, features, layer_weights={"double": 3.0, "mean": 5.0}, feature_scale=1.0)
    assert float(loss) == pytest.approx(3 * 0.04 + 5 * 0.01)
    # L1 at scale 10: 3 * 2 + 5 * 1
    loss = perceptual_loss(
        hr, sr, features, layer_weights={"double": 3.0, "mean": 5.0}, feature_scale=10.0, distance="l1"
    )
    assert float(loss) == pytest.approx(11.0)


def test_the_papers_scale_divides_features_by_12_75():
    hr, sr = tf.zeros((1, 2, 2, 3)), tf.fill((1, 2, 2, 3), 12.75)
    assert float(perceptual_loss(hr, sr, lambda image: {"it": image}, layer_weights={"it": 1.0})) == pytest.approx(1.0)
    assert PAPER_FEATURE_SCALE == 1 / 12.75


def test_gradient_reaches_the_sr_and_not_the_hr():
    hr, sr = tf.Variable(tf.zeros((1, 2, 2, 3))), tf.Variable(tf.ones((1, 2, 2, 3)))
    with tf.GradientTape() as tape:
        loss = perceptual_loss(hr, sr, features, layer_weights={"double": 1.0, "mean": 1.0})
    to_hr, to_sr = tape.gradient(loss, [hr, sr])
    assert to_hr is None
    assert (np.abs(to_sr) > 0).all()
