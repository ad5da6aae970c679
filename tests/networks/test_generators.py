"""Tests that every generator must pass."""

import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.config.presets import PRESETS
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.networks.attention import ATTENTIONS
from srgan_tf.networks.generators import GENERATORS
from srgan_tf.networks.precision import as_float32, precision_scope

SMALL = {"num_blocks": 2, "num_filters": 8}
PLAIN = {"normalization": "none", "output_activation": "linear", "bilinear_skip": True}
VARIANTS = {
    "srresnet": ("srresnet", SMALL),
    "srresnet_leaky": ("srresnet", SMALL | {"normalization": "none", "activation": "leaky_relu"}),
    "msrresnet": ("srresnet", SMALL | PLAIN),
    "channel": ("srresnet", SMALL | PLAIN | {"attention": "channel"}),
    "self": ("srresnet", SMALL | PLAIN | {"attention": "self"}),
    "multiscale": ("srresnet", SMALL | PLAIN | {"attention": "multiscale"}),
    "rrdbnet": ("rrdbnet", {"num_blocks": 1, "num_filters": 8, "growth_filters": 4}),
    "compact": ("compact", SMALL),
    "wdsr": ("wdsr", SMALL),
    "continuous": ("continuous", SMALL | {"basis": 3, "hidden": 4}),
    "idm": ("idm", SMALL | {"basis": 3, "hidden": 4, "widths": (4, 6), "decoder_hidden": 4}),
    "srdensenet": ("srdensenet", {"num_blocks": 2, "num_layers": 3, "growth_filters": 4, "num_filters": 16}),
}


def build(variant, **options):
    keras.utils.set_random_seed(0)
    name, defaults = VARIANTS[variant]
    return GENERATORS[name](**defaults | options)


def test_no_generator_is_untested():
    assert {name for name, _ in VARIANTS.values()} == set(GENERATORS)


# Attention and activations work at LR size: they do not depend on the scale.
SCALES = [(name, 4) for name in VARIANTS] + [
    (name, scale)
    for name in ("msrresnet", "rrdbnet", "compact", "continuous", "srdensenet", "wdsr")
    for scale in (2, 3, 8)
]


BY_DEFAULT = [("srresnet", 4), ("compact", 3), ("continuous", 2)]


@pytest.mark.parametrize(
    ("variant", "scale"),
    [case if case in BY_DEFAULT else pytest.param(*case, marks=pytest.mark.slow) for case in SCALES],
)
def test_any_size_any_batch(rng, scale, variant):
    generator = build(variant, scale=scale)
    lr = rng.random((3, 17, 23, 3), np.float32)
    sr = generator(lr)
    assert sr.shape == (3, 17 * scale, 23 * scale, 3)
    # Also in a graph with unknown height and width.
    in_graph = tf.function(generator, input_signature=[tf.TensorSpec([None, None, None, 3])])(lr)
    np.testing.assert_allclose(in_graph, sr, atol=1e-5)


def full_width_generators():
    """The options of every preset's generator, each builder's defaults and each attention, with at most six blocks."""
    options = [preset().generator for preset in PRESETS.values()]
    options += [{"name": name} for name in GENERATORS]
    options += [{"name": "srresnet", **PLAIN, "init_gain": 0.1, "attention": attention} for attention in ATTENTIONS]
    options = [item | {"num_blocks": min(item.get("num_blocks", 6), 6)} for item in options]
    return {str(sorted(item.items())): item for item in options}  # presets share generators


@pytest.mark.slow
@pytest.mark.parametrize("options", full_width_generators().values(), ids=str)
def test_the_initial_output_is_of_the_order_of_an_image(options):
    """In training mode, that is with batch statistics."""
    options = dict(options)
    build = GENERATORS[options.pop("name")]
    scale = options.get("scale", 4)
    lr = np.stack([draw_picture(index, 96, 96) for index in range(2)])[:, ::scale, ::scale] / np.float32(255)
    keras.utils.set_random_seed(0)
    sr = build(**options)(lr, training=True).numpy()
    assert np.isfinite(sr).all()
    assert abs(sr.mean() - 0.5) < 1
    assert sr.std() < 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_weight_gets_a_gradient(rng, variant):
    generator = build(variant)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(generator(rng.random((2, 9, 11, 3), np.float32), training=True)))
    for weight, gradient in zip(
        generator.trainable_variables, tape.gradient(loss, generator.trainable_variables), strict=True
    ):
        assert gradient is not None, weight.path
        assert np.abs(gradient).max() > 0, weight.path


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_half_precision_keeps_the_function(rng, variant):
    with precision_scope("bfloat16"):
        half = build(variant)
    full = as_float32(half)
    assert {layer.compute_dtype for layer in full.layers if isinstance(layer, keras.Layer)} == {"float32"}
    lr = rng.random((3, 17, 23, 3), np.float32)
    assert half(lr).dtype == "float32"
    deviation = np.abs(full(lr) - half(lr)).mean() / np.abs(full(lr)).mean()
    assert 0 < deviation < 0.03  # bfloat16 has 8 bits of mantissa


@pytest.mark.slow
def test_saved_generators_load_without_the_training_code(tmp_path, rng):
    lr = rng.random((1, 17, 23, 3), np.float32)
    np.save(tmp_path / "lr.npy", lr)
    expected = {}
    for variant in VARIANTS:
        generator = build(variant)
        generator.save(tmp_path / f"{variant}.keras")
        expected[variant] = generator(lr)
    code = (
        "import sys, pathlib, keras, numpy as np, srgan_tf.networks.layers\n"
        "lr = np.load('lr.npy')\n"
        "for file in pathlib.Path().glob('*.keras'):\n"
        "    np.save(file.stem, keras.saving.load_model(file)(lr).numpy())\n"
        "assert not any(name.startswith('srgan_tf.training') for name in sys.modules)"
    )
    environment = {"PYTHONPATH": str(pathlib.Path(__file__).parents[2]), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, env=environment, capture_output=True)
    for variant in VARIANTS:
        np.testing.assert_allclose(np.load(tmp_path / f"{variant}.npy"), expected[variant], atol=1e-5, err_msg=variant)


@pytest.mark.parametrize("variant", ["msrresnet", "compact"])
def test_a_zero_tail_returns_the_bilinear_skip(rng, variant):
    generator = build(variant, num_blocks=1, num_filters=4)
    for weight in generator.get_layer("tail_conv").weights:
        weight.assign(tf.zeros_like(weight))
    lr = rng.random((2, 17, 23, 3), np.float32)
    np.testing.assert_allclose(generator(lr), tf.image.resize(lr, (68, 92), "bilinear"), atol=1e-6)
