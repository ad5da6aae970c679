import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.losses.dists import DISTS_LAYERS, dists_loss
from srgan_tf.networks.vgg import vgg19_features


def doubled(image):
    return {"double": 2.0 * image - 0.9}


def test_values_worked_by_hand():
    hr = tf.constant([0.2, 0.6], shape=(1, 1, 2, 1))
    sr = tf.constant([0.3, 0.5], shape=(1, 1, 2, 1))
    # The image: means 0.4; variances 0.04 and 0.01, covariance 0.02: structure 0.04 / 0.05.
    image = 1 - (1 + 0.8) / 2
    # 2 * image - 0.9, after a ReLU (0, 0.3) and (0, 0.1): means 0.15 and 0.05, deviations 0.15 and 0.05, so that
    # texture and structure are both 2 * 3 / (9 + 1).
    layer = 1 - 0.6
    assert float(dists_loss(hr, sr, doubled, ["double"])) == pytest.approx((image + layer) / 2, abs=1e-4)


def test_channels_and_images_weigh_the_same():
    # Channel 1 is equal in both; channel 2 is flat, 0.1 and 0.3: texture 2 * 3 / (9 + 1), structure 1.
    hr = np.zeros((2, 4, 4, 2), np.float32)
    hr[..., 0] = np.random.default_rng(0).random((4, 4))
    sr = hr.copy()
    hr[0, ..., 1], sr[0, ..., 1] = 0.1, 0.3
    loss = dists_loss(tf.constant(hr), tf.constant(sr), lambda image: {}, [])
    assert float(loss) == pytest.approx((1 - 0.6) / 2 / 4, abs=1e-4)


def test_a_shifted_texture_is_nearer_than_a_flat_one():
    """A flat image has half the MSE of shifted stripes; the features of DISTS still see its missing contrast."""
    stripes = np.tile(np.array([0.2, 0.2, 0.8, 0.8], np.float32), 16)
    hr, shifted = (np.broadcast_to(row[None, None, :, None], (1, 64, 64, 3)) for row in (stripes, np.roll(stripes, 1)))
    flat = np.full_like(hr, 0.5)
    # Of the images: equal means, no covariance. Of their contrasts 0.3, 0.3 and 0: equal variances of 0.
    losses = [
        float(dists_loss(tf.constant(hr), tf.constant(sr), lambda image: {"contrast": abs(image - 0.5)}, ["contrast"]))
        for sr in (shifted, flat)
    ]
    assert losses == pytest.approx([(0.5 + 0.0) / 2, (0.5 + 0.5) / 2], abs=1e-3)


def test_equal_images_have_no_loss_and_vgg19_has_the_layers(rng):
    features = vgg19_features(DISTS_LAYERS, weights=None, before_activation=True)
    hr = tf.constant(rng.random((2, 32, 48, 3), np.float32))
    sr = tf.Variable(hr)
    assert float(dists_loss(hr, sr, features)) == pytest.approx(0.0, abs=1e-5)
    sr.assign(tf.clip_by_value(hr + rng.normal(scale=0.1, size=hr.shape), 0, 1))
    with tf.GradientTape() as tape:
        tape.watch(hr)
        loss = dists_loss(hr, sr, features)
    to_hr, to_sr = tape.gradient(loss, [hr, sr])
    assert 0 < float(loss) < 1
    assert to_hr is None
    assert np.isfinite(to_sr).all()
    assert (np.abs(to_sr) > 0).mean() > 0.9


def test_gradient_descent_lowers_it(rng):
    hr = tf.constant(rng.random((1, 16, 16, 3), np.float32))
    sr = tf.Variable(0.5 + 0.2 * (hr - 0.5) + rng.normal(scale=0.02, size=hr.shape))
    losses = []
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = dists_loss(hr, sr, doubled, ["double"])
        sr.assign_sub(10.0 * tape.gradient(loss, sr))
        losses.append(float(loss))
    assert losses[-1] < 0.7 * losses[0]
