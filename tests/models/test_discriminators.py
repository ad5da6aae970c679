import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.models.discriminators import vgg_discriminator


@pytest.mark.parametrize(("hr_patch_size", "parameters"), [(96, 23_567_361), (128, 38_247_425)])
def test_parameters(hr_patch_size, parameters):
    # By hand at 96: convolutions 1,792 + 36,864 + 73,728 + 147,456 + 294,912 + 589,824 + 1,179,648 + 2,359,296, norms
    # 4 * (64 + 2 * (128 + 256 + 512)), dense 6 * 6 * 512 * 1024 + 1024 and 1024 + 1.
    convolutions = 3 * 3 * (64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)
    dense = (hr_patch_size // 16) ** 2 * 512 * 1024 + 1024 + 1024 + 1
    assert 3 * 3 * 3 * 64 + 64 + convolutions + 4 * (64 + 2 * (128 + 256 + 512)) + dense == parameters
    assert vgg_discriminator(hr_patch_size=hr_patch_size).count_params() == parameters


def test_it_returns_logits(rng):
    discriminator = vgg_discriminator(hr_patch_size=32, num_filters=4)
    for weight in discriminator.get_layer("logits").weights:
        weight.assign(100.0 * rng.normal(size=weight.shape))
    logits = discriminator(rng.random((64, 32, 32, 3), np.float32))
    assert logits.shape == (64, 1)
    assert np.abs(logits).max() > 1  # no sigmoid


def test_every_weight_gets_a_gradient(rng):
    discriminator = vgg_discriminator(hr_patch_size=16, num_filters=4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(discriminator(rng.random((8, 16, 16, 3), np.float32), training=True) ** 2)
    for weight, gradient in zip(
        discriminator.trainable_variables, tape.gradient(loss, discriminator.trainable_variables), strict=True
    ):
        assert np.abs(gradient).max() > 0, weight.path


def test_patches_must_be_multiples_of_16():
    with pytest.raises(ValueError, match="100"):
        vgg_discriminator(hr_patch_size=100)
