import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from srgan_tf.networks.discriminators import unet_discriminator, vgg_discriminator
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.precision import precision_scope
from srgan_tf.networks.rewrites.training import (
    FactorPReLU,
    FoldedConv2D,
    FusedBatchNormalization,
    OutputLeakyReLU,
    optimize_for_training,
)


def at_random(model, rng):
    """Random weights as after training, some slopes above 1."""
    for weight in model.weights:
        kind = weight.path.rsplit("/", 1)[-1]
        if kind != "kernel":
            low, high = {"gamma": (0.5, 1.5), "moving_variance": (0.5, 2), "alpha": (-0.3, 1.3)}.get(kind, (-0.1, 0.1))
            weight.assign(rng.uniform(low, high, weight.shape))
    return model


def learn(network, x, upstream):
    """The output in training mode, the gradients of its product with `upstream`, and the weights after it."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = network(x, training=True)
        product = tf.reduce_sum(tf.cast(y, tf.float32) * upstream[..., : y.shape[-1]])
    gradients = tape.gradient(product, [x, *network.trainable_variables])
    return [np.asarray(tf.cast(value, tf.float32)) for value in [y, *gradients, *network.weights]]


def changed_layers(model):
    kinds = (FusedBatchNormalization, FactorPReLU, FoldedConv2D)
    return {layer.name: type(layer).__name__ for layer in model.layers if isinstance(layer, kinds)}


@pytest.mark.parametrize(
    ("build", "shape", "out_shape", "changed"),
    [
        (
            lambda: srresnet(num_blocks=1, num_filters=6),
            (2, 5, 7, 3),
            (2, 20, 28, 3),
            {
                **dict.fromkeys(("block1_norm1", "block1_norm2", "trunk_norm"), "FusedBatchNormalization"),
                **dict.fromkeys(
                    ("head_activation", "block1_activation", "upsample1_activation", "upsample2_activation"),
                    "FactorPReLU",
                ),
                "tail_conv": "FoldedConv2D",
            },
        ),
        (
            lambda: srresnet(
                scale=2, num_blocks=1, num_filters=4, normalization="none", activation="leaky_relu", tail_kernel_size=5
            ),
            (1, 3, 2, 3),
            (1, 6, 4, 3),
            {"tail_conv": "FoldedConv2D"},
        ),
        (
            lambda: vgg_discriminator(hr_patch_size=32, num_filters=4),
            (3, 32, 32, 3),
            (3, 1),
            {f"norm{index}": "FusedBatchNormalization" for index in range(2, 9)},
        ),
        (lambda: unet_discriminator(num_filters=4), (2, 17, 23, 3), (2, 17, 23, 1), {}),
    ],
    ids=["srresnet", "without norms", "vgg", "unet"],
)
def test_same_outputs_gradients_and_statistics(rng, build, shape, out_shape, changed):
    plain = at_random(build(), rng)
    network = optimize_for_training(plain)
    assert changed_layers(network) == changed
    assert changed_layers(plain) == {}
    assert [weight.path for weight in network.weights] == [weight.path for weight in plain.weights]
    x, upstream = rng.random(shape, np.float32), rng.normal(size=out_shape).astype(np.float32)
    np.testing.assert_allclose(network(x), plain(x), rtol=1e-4, atol=1e-5)
    for expected, actual in zip(learn(plain, x, upstream), learn(network, x, upstream), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 2e-6), ("bfloat16", 1e-2), ("float16", 2e-3)])
def test_batch_norm_beside_keras(rng, precision, tolerance):
    """Mean and variance far from 0 and 1; few values, so that biased and unbiased variance differ."""
    x = tf.cast(rng.normal(3.0, 2.0, (2, 3, 5, 4)), precision)
    upstream = rng.normal(size=x.shape).astype(np.float32)
    results = []
    for kind in (layers.BatchNormalization, FusedBatchNormalization):
        with precision_scope(precision):
            layer = kind(momentum=0.9, epsilon=0.01)
        layer.build(x.shape)
        layer.set_weights([rng.uniform(0.5, 2.0, 4) for rng in [np.random.default_rng(0)] for _ in layer.weights])
        assert layer(x, training=True).dtype == precision
        results.append(learn(layer, x, upstream))
        results[-1].append(np.asarray(tf.cast(layer(x, training=False), tf.float32)))
    for expected, actual in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_moving_statistics_by_hand():
    layer = FusedBatchNormalization(momentum=0.75)
    layer(np.array([1.0, 2.0, 6.0], np.float32).reshape(1, 1, 3, 1), training=True)
    # Mean 3, variance (4 + 1 + 9) / 3: a quarter of them, and three quarters of 0 and 1.
    np.testing.assert_allclose(layer.moving_mean, [0.75], rtol=1e-6)
    np.testing.assert_allclose(layer.moving_variance, [0.75 + 14 / 12], rtol=1e-6)


def test_frozen_batch_norm_uses_its_moving_statistics():
    layer = FusedBatchNormalization(epsilon=0.0)
    layer.trainable = False
    x = np.array([1.0, 2.0, 6.0], np.float32).reshape(1, 1, 3, 1)
    np.testing.assert_array_equal(layer(x, training=True), x)
    np.testing.assert_array_equal(layer.moving_mean, [0.0])


@pytest.mark.parametrize("options", [{"scale": 2, "activation": "leaky_relu"}, {"scale": 4}])
def test_a_tail_of_three_by_three_is_folded_in_bfloat16(rng, options):
    plain = at_random(srresnet(num_blocks=1, num_filters=16, tail_kernel_size=3, normalization="none", **options), rng)
    x = rng.random((2, 5, 7, 3), np.float32)
    upstream = rng.normal(size=plain.compute_output_shape(x.shape)).astype(np.float32)
    assert not isinstance(optimize_for_training(plain).get_layer("tail_conv"), FoldedConv2D)
    with precision_scope("bfloat16"):
        half = srresnet(num_blocks=1, num_filters=16, tail_kernel_size=3, normalization="none", **options)
    half.set_weights(plain.get_weights())
    network = optimize_for_training(half)
    assert isinstance(network.get_layer("tail_conv"), FoldedConv2D)
    for expected, actual in zip(learn(plain, x, upstream), learn(network, x, upstream), strict=True):
        assert np.sum(expected * actual) > 0.99 * np.linalg.norm(expected) * np.linalg.norm(actual)
        assert np.linalg.norm(actual) == pytest.approx(np.linalg.norm(expected), rel=0.1)


@pytest.mark.parametrize("phases", [1, 4])
def test_fused_slopes_beside_float32(rng, phases):
    x = tf.cast(rng.normal(size=(3, 4, 5, 6 * phases)), "bfloat16")
    upstream = tf.cast(rng.normal(size=x.shape), "bfloat16")
    results = []
    for dtype in ("float32", "bfloat16"):
        layer = FactorPReLU(phases=phases, shared_axes=[1, 2], dtype=f"mixed_{dtype}" if dtype != "float32" else dtype)
        layer.build(x.shape)
        layer.alpha.assign(np.linspace(-0.5, 1.5, 6).reshape(1, 1, 6))
        results.append(learn(layer, tf.cast(x, dtype), tf.cast(upstream, tf.float32)))
    for expected, actual in zip(*results, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0.01, atol=0.01 * np.abs(expected).max())


def test_leaky_relu_with_the_gradient_of_its_output(rng):
    x = tf.cast(rng.normal(size=(3, 4, 5, 6)), "bfloat16")
    upstream = rng.normal(size=x.shape).astype(np.float32)
    plain, fused = layers.LeakyReLU(0.2, dtype="mixed_bfloat16"), OutputLeakyReLU(0.2, dtype="mixed_bfloat16")
    for expected, actual in zip(learn(plain, x, upstream), learn(fused, x, upstream), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=0.01)
    with tf.GradientTape() as outer:  # as in a gradient penalty
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = fused(x) ** 2
        slope = tape.gradient(y, x)
    second = tf.cast(outer.gradient(slope, x), tf.float32)
    np.testing.assert_allclose(second, np.where(tf.cast(x, tf.float32) > 0, 2, 0.08), rtol=0.02)


def test_slopes_by_hand():
    layer = FactorPReLU(shared_axes=[1, 2])
    layer.build((None, None, None, 2))
    layer.alpha.assign(np.array([-0.5, 1.5]).reshape(1, 1, 2))
    x = np.array([[2.0, 2.0], [-2.0, -2.0]], np.float32).reshape(1, 1, 2, 2)
    np.testing.assert_array_equal(layer(x)[0, 0], [[2.0, 2.0], [1.0, -3.0]])


def test_unknown_layers_are_copied(rng):
    image = keras.Input((4, 4, 3))
    x = layers.BatchNormalization(scale=False, name="unscaled")(image)
    x = layers.BatchNormalization(axis=1, name="of_rows")(x)
    model = keras.Model(image, layers.Conv2D(3, 9, padding="same", name="no_shuffle_before")(x))
    network = optimize_for_training(model)
    assert changed_layers(network) == {}
    x = rng.random((2, 4, 4, 3), np.float32)
    np.testing.assert_array_equal(network(x), model(x))
