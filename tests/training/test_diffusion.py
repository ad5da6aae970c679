"""The diffusion phase: its loss and step, and a run that is killed and resumed."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.errors import UserError
from srgan_tf.images.positions import axis_positions
from srgan_tf.networks.continuous import continuous
from srgan_tf.networks.idm import LAYER, base_of, conditions_of
from srgan_tf.networks.saved import load_generator
from srgan_tf.networks.vgg import vgg19_features
from srgan_tf.runs import GENERATOR_FILE, checkpoint_folder
from srgan_tf.training.datasets import load_datasets
from srgan_tf.training.diffusion import _noise, diffusion_losses, make_diffusion_step
from srgan_tf.training.objective import diffusion_terms
from srgan_tf.training.run import run
from srgan_tf.training.state import diffusion_state

SMALL = [
    *("generator.num_blocks=1", "generator.num_filters=4", "generator.basis=2", "generator.hidden=4"),
    *("generator.widths=[4, 6]", "generator.decoder_hidden=4", "data.hr_patch_size=32", "data.batch_size=3"),
    *('data.train=["synthetic"]', "data.synthetic_size=96", "data.synthetic_count=3", "data.valid_pictures=1"),
    *("diffusion.perceptual_weight=0", "gan.perceptual.crop_size=0"),
]


def config_of(*assignments):
    keras.utils.set_random_seed(0)
    return with_settings(presets.load_preset("idm_tiny"), [*SMALL, *assignments])


@pytest.mark.parametrize("prediction", ["image", "noise"])
def test_the_loss_by_its_definition(rng, prediction):
    config = config_of(f"generator.prediction={prediction}")
    generator = diffusion_state(config).generator
    layer = generator.get_layer(LAYER)
    layer.tail.kernel.assign(keras.random.normal(layer.tail.kernel.shape, seed=0))
    lr, hr = rng.random((2, 8, 8, 3), np.float32), rng.random((2, 16, 16, 3), np.float32)
    positions = np.repeat(axis_positions(8, 16)[np.newaxis], 2, 0)
    numbers = tf.constant([0.1, 0.6])  # states 1 and 3 of 4
    loss, sr = diffusion_losses(generator, "mse")((lr, positions, positions), hr, numbers)

    features, base, *grid = conditions_of(generator)([lr, positions, positions])
    e = _noise(tf.constant(hr), numbers).numpy()
    signal, noise = (
        values[[1, 3], np.newaxis, np.newaxis, np.newaxis] for values in (layer.schedule.signal, layer.schedule.noise)
    )
    residual = 10 * (hr - base.numpy())
    z = np.float32(signal * residual + noise * e)
    output = layer.denoise(layer.prepare([features, base, *grid]), z, layer.schedule.log_noise_level([1, 3])).numpy()
    target, estimate = (residual, output) if prediction == "image" else (e, (z - noise * output) / signal)
    np.testing.assert_allclose(loss, np.mean((target - output) ** 2), rtol=1e-4)
    np.testing.assert_allclose(sr, base + estimate / 10, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_terms_of_the_image_are_added_to_the_distance():
    """The perceptual loss is that of the estimated image, with its weight; its gradient reaches the U-Net."""
    config = config_of("diffusion.perceptual_weight=0.5", 'gan.perceptual.layers={"block1_conv2": 2.0}')
    pictures, _ = load_datasets(config)
    [(inputs, hr)] = pictures.batches(0, 1, 0)
    features = vgg19_features(["block1_conv2"], before_activation=True, weights=None)
    terms = diffusion_terms(config, features)
    scalars = {}
    for name, used in (("with", terms), ("without", {})):
        keras.utils.set_random_seed(0)
        state = diffusion_state(config)
        scalars[name] = make_diffusion_step(state, "mse", used, ema_decay=0.9)(inputs, hr).scalars
    total, distance, perceptual = (
        scalars["with"][f"loss/generator/{tag}"] for tag in ("total", "estimate", "perceptual")
    )
    assert distance == pytest.approx(scalars["without"]["loss/generator/total"], rel=1e-5)
    assert total == pytest.approx(distance + 0.5 * perceptual, rel=1e-5)
    norms = [scalars[name]["gradient_norm/generator"] for name in ("with", "without")]
    assert norms[0] > 1.05 * norms[1] > 0


def test_noise_is_a_function_of_the_number_of_an_image():
    images = tf.zeros((3, 32, 32, 3))
    noise = _noise(images, tf.constant([0.25, 0.5, 0.25])).numpy()
    np.testing.assert_array_equal(noise[0], noise[2])
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 0.1
    assert abs(noise.std() - 1) < 0.05


@pytest.mark.slow
def test_a_step_trains_the_diffusion_alone():
    config = config_of("diffusion.learning_rate.initial=0.01")
    pictures, _ = load_datasets(config)
    state = diffusion_state(config)
    base, layer = base_of(state.generator), state.generator.get_layer(LAYER)
    before = [weights.get_weights() for weights in (base, layer)]
    step = make_diffusion_step(state, "mse", {}, ema_decay=0.9)
    for inputs, hr in pictures.batches(0, 2, 0):
        assert np.isfinite(step(inputs, hr).scalars["loss/generator/total"])
    assert step.compiled.experimental_get_tracing_count() == 1
    for old, new in zip(before[0], base.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    changed = [(old != new).any() for old, new in zip(before[1], layer.get_weights(), strict=True)]
    assert all(changed), [weight.path for weight, is_ in zip(layer.weights, changed, strict=True) if not is_]


RUN = [
    *("pretrain.steps=0", "diffusion.steps=6", "reporting.log_every=1", "reporting.checkpoint_every=2"),
    *("reporting.validate_every=6", "reporting.samples=1"),
]


@pytest.mark.slow
def test_a_checkpoint_has_every_weight(tmp_path):
    first, second = diffusion_state(config_of()), diffusion_state(config_of("seed=1"))
    for weight in second.weights():
        weight.assign(weight + 1)
    path = first.checkpoint().write(str(tmp_path / "checkpoint"))
    second.checkpoint().read(path).assert_consumed()
    for one, two in zip(first.weights(), second.weights(), strict=True):
        np.testing.assert_array_equal(one, two, err_msg=one.path)


@pytest.mark.slow
def test_a_run_without_its_last_checkpoint_resumes_to_the_same_weights(tmp_path):
    keras.utils.set_random_seed(1)
    small = {"num_blocks": 1, "num_filters": 4, "basis": 2, "hidden": 4}
    continuous(**small).save(tmp_path / "base.keras")
    config = config_of(*RUN, f"init_generator={tmp_path / 'base.keras'}")
    whole = load_generator(str(run(config, tmp_path / "whole")))

    workdir = tmp_path / "killed"  # what a kill after step 4 leaves
    shutil.copytree(tmp_path / "whole", workdir)
    (workdir / GENERATOR_FILE).unlink()
    shutil.rmtree(checkpoint_folder(workdir, "diffusion", 6))
    resumed = load_generator(str(run(config, workdir)))
    for one, two in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    # The base is the network that the run started from.
    start = load_generator(str(tmp_path / "base.keras"))
    for one, two in zip(base_of(whole).get_weights(), start.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["generator.name=continuous"], "needs generator.name=idm (received 'continuous')"),
        (["data.min_scale=0"], "needs data.min_scale of at least 1 (received 0)"),
        (
            ["generator.prediction=noise", "diffusion.perceptual_weight=0.5"],
            "diffusion.perceptual_weight=0.5 needs generator.prediction=image (received 'noise'): set it to 0",
        ),
        (
            ["data.hr_patch_size=72", "gan.perceptual.crop_size=0"],
            "needs a data.hr_patch_size that is a multiple of 16 (received 72)",
        ),
    ],
)
def test_settings_that_do_not_fit(assignments, message):
    with pytest.raises(UserError) as caught:
        with_settings(presets.load_preset("idm_tiny"), assignments)
    assert message in str(caught.value)
