import keras
import numpy as np
import pytest
from keras import layers

from srgan_tf.networks.generators import srresnet, wdsr
from srgan_tf.networks.geometry import receptive_field, scale_of
from srgan_tf.networks.precision import precision_scope
from srgan_tf.networks.rewrites import inference


def trained(generator):
    """Random weights as after training: no zero biases, no unit norms, slopes of both signs."""
    rng = np.random.default_rng(0)
    for weight in generator.weights:
        kind = weight.path.rsplit("/", 1)[-1]
        values = {
            "kernel": lambda w: w.numpy(),
            "gamma": lambda w: rng.uniform(0.5, 1.5, w.shape),
            "moving_variance": lambda w: rng.uniform(0.5, 2, w.shape),
            "alpha": lambda w: rng.uniform(-0.3, 1, w.shape),
        }.get(kind, lambda w: rng.normal(0, 0.1, w.shape))
        weight.assign(values(weight))
    return generator


def kinds(model):
    return [type(operation).__name__ for operation in model.operations]


OPTIONS = [
    {},
    {"scale": 2, "tail_kernel_size": 5},
    {"scale": 3},
    {"scale": 8, "tail_kernel_size": 3},
    {"normalization": "none", "activation": "leaky_relu", "output_activation": "linear", "bilinear_skip": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "rewriting",
    [
        pytest.param(inference.fold_batch_norms, marks=pytest.mark.slow),
        pytest.param(inference.shuffle_last, marks=pytest.mark.slow),
        pytest.param(inference.maximize_prelus, marks=pytest.mark.slow),
        inference.optimize_for_inference,
    ],
    ids=lambda rewriting: rewriting.__name__,
)
def test_every_rewrite_keeps_the_function(rng, rewriting, options):
    generator = trained(srresnet(num_blocks=2, num_filters=12, **options))
    rewritten = rewriting(generator)
    assert scale_of(rewritten) == scale_of(generator)
    assert receptive_field(rewritten) in (receptive_field(generator), receptive_field(generator) + 1)
    for size in ((3, 17, 23, 3), (1, 1, 2, 3)):  # the second is smaller than every kernel: borders everywhere
        lr = rng.random(size, np.float32)
        expected = generator(lr)
        assert np.std(expected) > 0.02
        np.testing.assert_allclose(rewritten(lr), expected, rtol=0, atol=5e-5)


def test_layers_after_each_rewrite():
    generator = trained(srresnet(num_blocks=2, num_filters=12))
    assert "BatchNormalization" not in kinds(inference.fold_batch_norms(generator))
    shuffled = inference.shuffle_last(generator)
    assert kinds(shuffled)[-4:] == ["ConvBeforeShuffle", "DepthToSpace", "Activation", "Rescaling"]
    tail = shuffled.get_layer("tail_conv")
    assert tail.shuffled_kernel().shape == (5, 5, 48, 12)
    assert tail.count_params() == generator.get_layer("tail_conv").count_params()  # nothing is stored for it
    assert "PReLU" not in kinds(inference.maximize_prelus(generator))
    fast = kinds(inference.optimize_for_inference(generator))
    assert {"BatchNormalization", "PReLU"}.isdisjoint(fast)
    assert fast.count("MaximumPReLU") == 5


def test_folding_by_hand():
    # Convolution 1x1: y = 2 x + 1; norm: 3 (y - 5) / sqrt(3.75 + 0.25) + 7 = 1.5 y - 0.5. Together 3 x + 1.
    image = keras.Input((None, None, 1))
    norm = layers.BatchNormalization(epsilon=0.25)
    model = keras.Model(image, norm(layers.Conv2D(1, 1, name="conv")(image)))
    model.set_weights([np.full((1, 1, 1, 1), 2.0), *np.array([[1.0], [3.0], [7.0], [5.0], [3.75]])])
    conv = inference.fold_batch_norms(model).get_layer("conv")
    np.testing.assert_allclose(conv.kernel, [[[[3.0]]]])
    np.testing.assert_allclose(conv.bias, [1.0])


@pytest.mark.parametrize("bias", [True, False])
def test_stored_kernel_of_a_moved_tail(rng, bias):
    lr = keras.Input((None, None, 48))
    tail = layers.Conv2D(3, (3, 5), padding="same", use_bias=bias, bias_initializer="random_normal", name="tail")
    shuffled = inference.shuffle_last(keras.Model(lr, tail(keras.ops.depth_to_space(lr, 2))))
    stored = inference.store_shuffled_kernels(shuffled)
    assert "ConvBeforeShuffle" in kinds(shuffled)
    assert "ConvBeforeShuffle" not in kinds(stored)
    x = rng.random((1, 5, 7, 48), np.float32)
    np.testing.assert_array_equal(stored(x), shuffled(x))


def test_slopes_above_one_stay_prelu(rng):
    generator = trained(srresnet(num_blocks=1, num_filters=4))
    generator.get_layer("block1_activation").alpha.assign(np.full((1, 1, 4), 1.5))
    fast = inference.optimize_for_inference(generator)
    assert type(fast.get_layer("block1_activation")) is layers.PReLU
    assert kinds(fast).count("MaximumPReLU") == 3
    lr = rng.random((1, 9, 7, 3), np.float32)
    np.testing.assert_allclose(fast(lr), generator(lr), rtol=0, atol=1e-5)


def test_unknown_layers_are_copied(rng):
    lr = keras.Input((None, None, 3), name="lr")
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="active")(lr)
    norm = layers.BatchNormalization(name="after_activation")(x)
    twice = layers.Conv2D(8, 3, padding="same", name="used_twice")(norm)
    x = layers.BatchNormalization(name="not_alone")(twice) + keras.ops.sigmoid(twice)
    x = layers.Multiply()([x, layers.GlobalAveragePooling2D(keepdims=True)(x)])
    x = keras.ops.depth_to_space(x, 2)
    x = layers.Conv2D(3, 3, padding="valid", name="valid")(x)
    generator = trained(keras.Model(lr, layers.ZeroPadding2D(1)(x)))
    fast = inference.optimize_for_inference(generator)
    assert kinds(fast) == kinds(generator)
    image = rng.random((2, 9, 7, 3), np.float32)
    np.testing.assert_array_equal(fast(image), generator(image))


def test_half_precision_becomes_float32_and_the_original_stays(rng):
    with precision_scope("bfloat16"):
        generator = trained(srresnet(num_blocks=1, num_filters=8))
    before = [weight.numpy() for weight in generator.weights]
    fast = inference.optimize_for_inference(generator)
    assert {layer.compute_dtype for layer in fast.layers} == {"float32"}
    for weight, expected in zip(generator.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected)
    lr = rng.random((1, 9, 7, 3), np.float32)
    np.testing.assert_allclose(fast(lr), generator(lr), rtol=0, atol=0.05)


def test_it_can_be_saved_and_loaded(tmp_path, rng):
    fast = inference.optimize_for_inference(trained(srresnet(num_blocks=1, num_filters=4)))
    fast.save(tmp_path / "fast.keras")
    lr = rng.random((1, 9, 7, 3), np.float32)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "fast.keras")(lr), fast(lr))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_weight_norms_are_folded_into_plain_kernels(rng, precision):
    with precision_scope(precision):
        generator = trained(wdsr(num_blocks=2, num_filters=8))
    plain = inference.optimize_for_inference(generator)
    assert set(kinds(plain)) == {"InputLayer", "Rescaling", "Conv2D", "ReLU", "Add", "DepthToSpace"}
    filters = sum(layer.filters for layer in generator.layers if isinstance(layer, layers.Conv2D))
    assert generator.count_params() - plain.count_params() == filters  # the gains
    assert receptive_field(plain) == receptive_field(generator) == 4
    full = wdsr(num_blocks=2, num_filters=8)
    full.set_weights(generator.get_weights())
    lr = rng.random((3, 17, 23, 3), np.float32)
    assert np.std(full(lr)) > 0.02
    np.testing.assert_allclose(plain(lr), full(lr), rtol=0, atol=5e-5)
