import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.models.srresnet import srresnet
from srgan_tf.presets import PRESETS

MSRRESNET = PRESETS["msrgan_x4"]().generator
OPTIONS = [
    {},
    {"normalization": "none", "activation": "leaky_relu"},
    {"normalization": "none", "output_activation": "linear", "bilinear_skip": True},
]


def msrresnet(**options):
    return srresnet(**{name: value for name, value in MSRRESNET.items() if name != "name"} | options)


@pytest.mark.parametrize(("scale", "parameters"), [(2, 1_404_995), (4, 1_552_771), (8, 1_700_547)])
def test_srresnet_has_the_papers_parameters(scale, parameters):
    # At x4 1,554,883 with a bias everywhere, less the 64 each of the 33 convolutions that batch norm follows.
    assert 1_554_883 - 33 * 64 == 1_552_771
    assert srresnet(scale=scale).count_params() == parameters


def test_msrresnet_has_basicsrs_parameters():
    assert msrresnet().count_params() == 1_517_571


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_any_size_any_batch(rng, scale, options):
    generator = srresnet(scale=scale, num_blocks=1, num_filters=4, **options)
    lr = rng.random((3, 17, 23, 3), np.float32)
    sr = generator(lr)
    assert sr.shape == (3, 17 * scale, 23 * scale, 3)
    # Also where the height and width are unknown when the graph is made.
    in_graph = tf.function(generator, input_signature=[tf.TensorSpec([None, None, None, 3])])(lr)
    np.testing.assert_allclose(in_graph, sr, atol=1e-5)


def test_tanh_output_is_zero_to_one(rng, small_generator):
    for weight in small_generator.get_layer("tail_conv").weights:
        weight.assign(100.0 * rng.normal(size=weight.shape))
    sr = small_generator(rng.random((1, 9, 9, 3), np.float32)).numpy()
    assert sr.min() >= 0.0
    assert sr.max() <= 1.0
    assert sr.min() < 0.01
    assert sr.max() > 0.99  # the range is [0, 1], not tanh's half of it


def test_bilinear_skip_is_all_that_a_silent_network_returns(rng):
    generator = msrresnet(num_blocks=1, num_filters=4)
    for weight in generator.get_layer("tail_conv").weights:
        weight.assign(tf.zeros_like(weight))
    lr = rng.random((2, 17, 23, 3), np.float32)
    np.testing.assert_allclose(generator(lr), tf.image.resize(lr, (68, 92), "bilinear"), atol=1e-6)


def test_pixel_shuffle_keeps_neighbours_together():
    # With the trunk's work taken out, LR pixel (i, j) must fill SR pixels (2i..2i+1, 2j..2j+1) in row-major order.
    x = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    shuffled = keras.ops.depth_to_space(x, 2).numpy()[0, ..., 0]
    for i in range(2):
        for j in range(3):
            np.testing.assert_array_equal(shuffled[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].ravel(), x[0, i, j])


def test_residual_blocks_add_their_input(rng, small_generator):
    # A block whose second norm is silenced is the identity.
    small_generator.get_layer("block1_norm2").gamma.assign(np.zeros(8))
    inner = keras.Model(
        small_generator.input,
        [small_generator.get_layer(name).output for name in ("head_activation", "block1_add")],
    )
    head, block = inner(rng.random((1, 5, 7, 3), np.float32))
    np.testing.assert_array_equal(head, block)


@pytest.mark.parametrize("options", OPTIONS)
def test_every_weight_gets_a_gradient(rng, options):
    generator = srresnet(num_blocks=2, num_filters=4, **options)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(generator(rng.random((2, 6, 6, 3), np.float32), training=True)))
    for weight, gradient in zip(
        generator.trainable_variables, tape.gradient(loss, generator.trainable_variables), strict=True
    ):
        assert gradient is not None, weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_batch_norm_uses_moving_statistics_at_inference(rng, small_generator):
    lr = rng.random((4, 8, 8, 3), np.float32)
    alone, together = small_generator(lr[:1]), small_generator(lr)
    np.testing.assert_allclose(alone, together[:1], atol=1e-6)
    before = small_generator.get_layer("block1_norm1").moving_mean.numpy().copy()
    small_generator(lr, training=True)
    assert np.abs(small_generator.get_layer("block1_norm1").moving_mean - before).max() > 0


@pytest.mark.parametrize("options", OPTIONS)
def test_saved_generator_loads_without_the_training_code(tmp_path, rng, options):
    generator = srresnet(num_blocks=1, num_filters=4, **options)
    lr = rng.random((1, 17, 23, 3), np.float32)
    np.save(tmp_path / "lr.npy", lr)
    generator.save(tmp_path / "generator.keras")
    code = (
        "import sys, keras, numpy as np, srgan_tf.models.layers; "
        "np.save('sr.npy', keras.saving.load_model('generator.keras')(np.load('lr.npy')).numpy()); "
        "assert not any(name.startswith('srgan_tf.training') for name in sys.modules)"
    )
    environment = {"PYTHONPATH": str(pathlib.Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=environment, capture_output=True)
    np.testing.assert_allclose(np.load(tmp_path / "sr.npy"), generator(lr), atol=1e-6)


@pytest.mark.parametrize("wrong", [{"scale": 3}, {"num_blocks": 0}, {"activation": "gelu"}, {"bilinear_skip": True}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        srresnet(**wrong)
