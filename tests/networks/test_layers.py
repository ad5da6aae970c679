import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.networks.layers import (
    BilinearResizing,
    BilinearUpsampling,
    SpectralConv2D,
    WeightNormConv2D,
    kernel_before_shuffle,
)


def test_upsampling_worked_by_hand():
    image = np.array([0.0, 1.0], np.float32).reshape(1, 1, 2, 1)
    # The centres of output pixels are at 0.25, 0.75, 1.25, 1.75 in input coordinates, of input pixels at 0.5 and 1.5.
    np.testing.assert_allclose(BilinearUpsampling(2)(image)[0, 0, :, 0], [0.0, 0.25, 0.75, 1.0])


def test_upsampling_with_unknown_sizes(rng):
    layer = BilinearUpsampling(4)
    assert layer.compute_output_shape((None, None, 7, 3)) == (None, None, 28, 3)
    image = rng.random((3, 17, 23, 3), np.float32)
    in_graph = tf.function(layer, input_signature=[tf.TensorSpec([None, None, None, 3])])(image)
    np.testing.assert_array_equal(in_graph, layer(image))


def test_resizing_to_another_map(rng):
    image, like = rng.random((2, 7, 9, 4), np.float32), np.zeros((2, 13, 18, 5), np.float32)
    layer = BilinearResizing()
    assert layer.compute_output_shape([(None, None, None, 4), (None, None, None, 5)]) == (None, None, None, 4)
    np.testing.assert_allclose(layer([image, like]), tf.image.resize(image, (13, 18), "bilinear"))


def spectral_conv(rng, iterations):
    keras.utils.set_random_seed(0)
    layer = SpectralConv2D(6, 3, padding="same")
    x = rng.random((2, 5, 7, 4), np.float32)
    layer(x)
    layer.kernel.assign(3.0 * rng.normal(size=layer.kernel.shape))
    layer.bias.assign(rng.normal(size=6))
    for _ in range(iterations):
        layer(x, training=True)
    return layer, x


def test_spectral_norm_by_singular_values(rng):
    layer, x = spectral_conv(rng, 200)
    largest = np.linalg.svd(layer.kernel.numpy().reshape(-1, 6), compute_uv=False)[0]
    assert largest > 5
    expected = tf.nn.conv2d(x, layer.kernel / largest, 1, "SAME") + layer.bias
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_spectral_norm_iterates_in_training_only_and_keeps_the_kernel(rng):
    layer, x = spectral_conv(rng, 1)
    kernel, vector = layer.kernel.numpy(), layer.right_vector.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.right_vector.numpy(), vector)
    layer(x, training=True)
    assert np.abs(layer.right_vector.numpy() - vector).max() > 1e-4
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)


@pytest.mark.slow
def test_gradient_flows_through_the_singular_value(rng):
    # The normalized kernel does not depend on the scale of the kernel, so the gradient is orthogonal to the kernel.
    layer, x = spectral_conv(rng, 200)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    gradient = tape.gradient(loss, layer.kernel).numpy().ravel()
    kernel = layer.kernel.numpy().ravel()
    assert np.linalg.norm(gradient) > 0
    assert abs(gradient @ kernel) < 1e-3 * np.linalg.norm(gradient) * np.linalg.norm(kernel)


def test_kernel_before_a_shuffle_by_hand():
    # One row of channels (a, b), shuffled by 2: a0 b0 a1 b1 ... The kernel (10, 1, 100) gives 10 b[-1] + a0 + 100 b0 at
    # even positions and 10 a0 + b0 + 100 a[+1] at odd ones.
    kernel = np.zeros((1, 3, 1, 1))
    kernel[0, :, 0, 0] = [10, 1, 100]
    moved = kernel_before_shuffle(kernel, 2).numpy()
    assert moved.shape == (1, 3, 4, 4)
    # The channels of a shuffle by 2 are (upper left, upper right, lower left, lower right).
    np.testing.assert_array_equal(moved[0, :, :2, 0], [[0, 10], [1, 100], [0, 0]])
    np.testing.assert_array_equal(moved[0, :, :2, 1], [[0, 0], [10, 1], [100, 0]])
    np.testing.assert_array_equal(moved[0, :, 2:, :2], 0)  # a kernel of one row does not mix rows


def weight_norm_conv(rng, **options):
    layer = WeightNormConv2D(6, 3, padding="same", gain_initializer=keras.initializers.Constant(0.7), **options)
    x = rng.random((2, 5, 7, 4), np.float32)
    layer(x)
    return layer, x


def test_weight_norm_by_hand(rng):
    layer, x = weight_norm_conv(rng)
    kernel, gains, bias = rng.normal(size=(3, 3, 4, 6)), rng.normal(size=6), rng.normal(size=6)
    layer.kernel.assign(kernel)
    layer.gain.assign(gains)
    layer.bias.assign(bias)
    normalized = np.stack([gains[i] * kernel[..., i] / np.sqrt((kernel[..., i] ** 2).sum()) for i in range(6)], axis=-1)
    expected = tf.nn.conv2d(x, normalized.astype(np.float32), 1, "SAME") + bias.astype(np.float32)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)
    layer.kernel.assign(100 * kernel)  # the norm of the kernel has no effect
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_weight_norm_starts_with_filters_of_the_initial_gain(rng):
    layer, _ = weight_norm_conv(rng)
    norms = np.linalg.norm(np.asarray(layer.normalized_kernel()).reshape(-1, 6), axis=0)
    np.testing.assert_allclose(norms, 0.7, rtol=1e-5)


def test_gradients_of_weight_norm_are_those_of_its_paper(rng):
    """Equation 3 of Salimans & Kingma 2016; the gradient is orthogonal to the kernel."""
    layer, x = weight_norm_conv(rng)
    with tf.GradientTape() as tape:
        kernel = layer.normalized_kernel()
        tape.watch(kernel)
        loss = tf.reduce_sum(tf.square(tf.nn.conv2d(x, kernel, 1, "SAME")))
    of_kernel = tape.gradient(loss, kernel).numpy().reshape(-1, 6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(layer(x)))
    gradients = [gradient.numpy() for gradient in tape.gradient(loss, [layer.kernel.value, layer.gain.value])]
    direction = layer.kernel.numpy().reshape(-1, 6)
    norm = np.linalg.norm(direction, axis=0)
    of_gain = (of_kernel * direction).sum(axis=0) / norm
    np.testing.assert_allclose(gradients[1], of_gain, rtol=1e-3)
    of_direction = 0.7 / norm * of_kernel - 0.7 * of_gain / norm**2 * direction
    np.testing.assert_allclose(gradients[0].reshape(-1, 6), of_direction, rtol=1e-2, atol=1e-2)
    assert np.abs((gradients[0].reshape(-1, 6) * direction).sum(axis=0)).max() < 1e-3 * np.abs(of_gain).max()


@pytest.mark.parametrize("options", [{}, {"use_bias": False, "activation": "relu"}])
def test_weight_norm_from_its_configuration(rng, options):
    layer, x = weight_norm_conv(rng, **options)
    copy = WeightNormConv2D.from_config(layer.get_config())
    copy(x)
    assert len(copy.weights) == (2 if options else 3)
    np.testing.assert_array_equal(copy.gain, layer.gain)
    copy.set_weights(layer.get_weights())
    np.testing.assert_array_equal(copy(x), layer(x))
    assert (layer(x).numpy() < 0).any() == (not options)


def test_weight_norm_in_a_file(tmp_path, rng):
    image = keras.Input((None, None, 4))
    model = keras.Model(image, WeightNormConv2D(6, 3, padding="same")(image))
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert len(loaded.weights) == 3
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
