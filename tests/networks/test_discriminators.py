import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.networks.discriminators import DISCRIMINATORS, unet_discriminator, vgg_discriminator
from srgan_tf.networks.precision import precision_scope


@pytest.mark.parametrize(("hr_patch_size", "parameters"), [(96, 23_567_361), (128, 38_247_425)])
def test_parameters(hr_patch_size, parameters):
    # By hand at 96: convolutions 1,792 + 36,864 + 73,728 + 147,456 + 294,912 + 589,824 + 1,179,648 + 2,359,296, norms
    # 4 * (64 + 2 * (128 + 256 + 512)), dense 6 * 6 * 512 * 1024 + 1024 and 1024 + 1.
    convolutions = 3 * 3 * (64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)
    dense = (hr_patch_size // 16) ** 2 * 512 * 1024 + 1024 + 1024 + 1
    assert 3 * 3 * 3 * 64 + 64 + convolutions + 4 * (64 + 2 * (128 + 256 + 512)) + dense == parameters
    assert vgg_discriminator(hr_patch_size=hr_patch_size).count_params() == parameters


@pytest.mark.parametrize(
    ("normalization", "difference"),
    [
        ("layer", -2 * 1856),  # no moving statistics
        ("spectral", -4 * 1856 + 1856 + 1856),  # a bias and a singular vector instead of the norm
        ("none", -4 * 1856 + 1856),
    ],
)
def test_parameters_of_other_norms(normalization, difference):
    assert 64 + 2 * (128 + 256 + 512) == 1856
    assert vgg_discriminator(normalization=normalization).count_params() == 23_567_361 + difference


def test_parameters_of_the_unet():
    # Real-ESRGAN's: head, three 4x4 down, three 3x3 up, two 3x3, logits; biases in the first and the last alone.
    down = 16 * (64 * 128 + 128 * 256 + 256 * 512)
    up = 9 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 64 + 64 * 64)
    parameters = (9 * 3 * 64 + 64) + down + up + (9 * 64 + 1)
    assert parameters == 4_376_897
    assert unet_discriminator(spectral_normalization=False).count_params() == parameters
    vectors = 128 + 256 + 512 + 256 + 128 + 64 + 64 + 64
    assert unet_discriminator().count_params() == parameters + vectors
    # With half of the filters: a quarter of the weights between feature maps, half of the others.
    half = (9 * 3 * 32 + 32) + (down + up) // 4 + (9 * 32 + 1) + vectors // 2
    assert half == 1_095_553
    assert unet_discriminator(num_filters=32).count_params() == half


@pytest.mark.parametrize("shape", [(17, 23), (32, 32), (25, 40), (1, 3)])
def test_the_unet_returns_a_logit_per_pixel_for_any_size(rng, shape):
    discriminator = unet_discriminator(num_filters=4)
    assert discriminator(rng.random((3, *shape, 3), np.float32)).shape == (3, *shape, 1)


def test_the_unet_against_tensorflow_operations(rng):
    """The forward pass by TensorFlow's operations, on an odd size."""
    discriminator = unet_discriminator(num_filters=2, spectral_normalization=False)
    for weight in discriminator.weights:
        weight.assign(rng.normal(scale=0.3, size=weight.shape))
    image = rng.random((2, 13, 18, 3), np.float32)

    def convolve(x, name, stride=1):
        return tf.nn.leaky_relu(tf.nn.conv2d(x, discriminator.get_layer(name).kernel, stride, "SAME"), 0.2)

    def enlarge(x, like):
        return tf.image.resize(x, like.shape[1:3], "bilinear")

    head, logits = discriminator.get_layer("head"), discriminator.get_layer("logits")
    x0 = tf.nn.leaky_relu(tf.nn.conv2d(image, head.kernel, 1, "SAME") + head.bias, 0.2)
    x1 = convolve(x0, "down1", 2)
    x2 = convolve(x1, "down2", 2)
    x3 = convolve(x2, "down3", 2)
    assert [x.shape[1:3] for x in (x1, x2, x3)] == [(7, 9), (4, 5), (2, 3)]
    x4 = convolve(enlarge(x3, x2), "up1") + x2
    x5 = convolve(enlarge(x4, x1), "up2") + x1
    x6 = convolve(enlarge(x5, x0), "up3") + x0
    x8 = convolve(convolve(x6, "last1"), "last2")
    expected = tf.nn.conv2d(x8, logits.kernel, 1, "SAME") + logits.bias
    np.testing.assert_allclose(discriminator(image), expected, rtol=1e-3, atol=1e-3)


def test_it_returns_logits(rng):
    for builder in DISCRIMINATORS.values():
        discriminator = builder(hr_patch_size=32, num_filters=4)
        for weight in discriminator.get_layer("logits").weights:
            weight.assign(100.0 * rng.normal(size=weight.shape))
        assert np.abs(discriminator(rng.random((64, 32, 32, 3), np.float32))).max() > 1  # no sigmoid


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("vgg", {"normalization": name}) for name in ("batch", "layer", "spectral", "none")),
        *(("unet", {"spectral_normalization": spectral}) for spectral in (False, True)),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_every_weight_gets_a_gradient(rng, name, options, precision):
    with precision_scope(precision):
        discriminator = DISCRIMINATORS[name](hr_patch_size=16, num_filters=4, **options)
    with tf.GradientTape() as tape:
        logits = discriminator(rng.random((8, 16, 16, 3), np.float32), training=True)
        loss = tf.reduce_sum(logits**2)
    assert logits.dtype == "float32"
    for weight, gradient in zip(
        discriminator.trainable_variables, tape.gradient(loss, discriminator.trainable_variables), strict=True
    ):
        assert np.abs(gradient).max() > 0, weight.path


def test_layer_norm_is_independent_of_the_batch(rng):
    discriminator = vgg_discriminator(hr_patch_size=16, num_filters=4, normalization="layer")
    images = rng.random((4, 16, 16, 3), np.float32)
    alone, together = discriminator(images[:1], training=True), discriminator(images, training=True)
    np.testing.assert_allclose(alone, together[:1], rtol=1e-4, atol=1e-5)


def test_patches_must_be_multiples_of_16():
    with pytest.raises(ValueError, match="100"):
        vgg_discriminator(hr_patch_size=100)
