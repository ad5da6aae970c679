import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.positions import axis_positions
from srgan_tf.images.resize import imresize
from srgan_tf.networks.compact import compact
from srgan_tf.networks.continuous import at_positions, at_scale, continuous, is_continuous
from srgan_tf.networks.geometry import receptive_field, scale_of
from srgan_tf.networks.rewrites.inference import optimize_for_inference


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(0)
    return continuous(num_blocks=1, num_filters=8)


def test_parameters():
    # The trunk of `compact`; a 3x3 convolution 32 to 75; basis functions 2 to 32, 32 to 32, 32 to 5.
    assert 148_864 + (9 * 32 * 75 + 75) + (2 * 32 + 32) + (32 * 32 + 32) + (32 * 5 + 5) == 171_856
    assert continuous().count_params() == 171_856
    assert compact().count_params() - 13_872 == 148_864


def test_geometry(generator):
    assert is_continuous(generator)
    assert not is_continuous(compact(num_blocks=1, num_filters=8))
    assert scale_of(generator) == 4
    assert receptive_field(continuous()) == 1 + 16 + 1  # head, 8 blocks of two convolutions, coefficients
    assert receptive_field(at_scale(generator, 3)) == receptive_field(generator) == 4


@pytest.mark.parametrize("scale", [1, 2, 2.7, 8])
def test_another_factor_is_the_same_network(generator, scale):
    lr = draw_picture(0, 13, 30)[np.newaxis] / np.float32(255)
    sr = at_scale(generator, scale)(lr)
    size = (round(13 * scale), round(30 * scale))
    assert sr.shape == (1, *size, 3)
    positions = [axis_positions(own, out)[np.newaxis] for own, out in zip((13, 30), size, strict=True)]
    np.testing.assert_array_equal(at_positions(generator)([lr, *positions]), sr)
    # A part of the result, from the same positions.
    part = at_positions(generator)([lr, positions[0][:, 3:9], positions[1][:, -5:]])
    np.testing.assert_allclose(part, sr[:, 3:9, -5:], atol=1e-6)


def test_the_network_at_positions_shares_the_weights(generator):
    before = generator.get_weights()
    view = at_positions(generator)
    tail = generator.get_layer("coefficients_conv")
    tail.kernel.assign(tf.zeros_like(tail.kernel))
    lr = draw_picture(0, 16, 24)[np.newaxis] / np.float32(255)
    positions = [axis_positions(own, out)[np.newaxis] for own, out in ((16, 40), (24, 60))]
    np.testing.assert_allclose(view([lr, *positions])[0], imresize(lr[0], 40, 60), atol=2e-6)  # the skip alone
    generator.set_weights(before)


@pytest.mark.parametrize("scale", [1, 2.3, 4])
def test_every_weight_gets_a_gradient_at_every_factor(generator, rng, scale):
    network = at_scale(generator, scale)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(network(rng.random((2, 9, 11, 3), np.float32), training=True)))
    for weight, gradient in zip(
        network.trainable_variables, tape.gradient(loss, network.trainable_variables), strict=True
    ):
        assert np.abs(gradient).max() > 0, weight.path


def test_optimized_for_inference_it_is_still_continuous(generator):
    lr = draw_picture(0, 12, 17)[np.newaxis] / np.float32(255)
    for precision, tolerance in (("float32", 1e-6), ("bfloat16", 0.02)):
        optimized = optimize_for_inference(generator, precision)
        np.testing.assert_allclose(at_scale(optimized, 2.7)(lr), at_scale(generator, 2.7)(lr), atol=tolerance)
