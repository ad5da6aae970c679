"""After 100 steps: batch norm's statistics fit the weights, and every kernel has changed."""

import keras
import numpy as np
import pytest

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.resize import imresize
from srgan_tf.training.objective import pretrain_terms
from srgan_tf.training.state import pretrain_state
from srgan_tf.training.steps import make_pretrain_step

STEPS = 100


@pytest.fixture(scope="module")
def pairs():
    """LR and HR of 32 drawn images, float32 in [0, 1]."""
    hr = np.stack([draw_picture(index, 48, 48) for index in range(32)])
    lr = np.stack([imresize(picture, 12, 12) for picture in hr])
    return lr.astype(np.float32) / 255, hr.astype(np.float32) / 255


def train(preset, pairs, *assignments):
    """The state after `STEPS` steps at 1e-3 with batches of 8, and the generator's weights at the start."""
    keras.utils.set_random_seed(0)
    settings = ["precision=float32", "pretrain.learning_rate.initial=1e-3", f"pretrain.steps={STEPS}"]
    settings += ["data.hr_patch_size=48", *assignments]
    config = with_settings(presets.load_preset(preset), settings)
    state = pretrain_state(config)
    before = [weight.numpy().copy() for weight in state.generator.trainable_variables]
    step = make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.95)
    for index in range(STEPS):
        part = np.random.default_rng(index).choice(len(pairs[0]), 8, replace=False)
        step(pairs[0][part], pairs[1][part])
    return state, before


def psnr(generator, pairs):
    return -10 * np.log10(np.mean(np.square(generator(pairs[0]).numpy() - pairs[1])))


@pytest.mark.slow
def test_running_statistics_of_the_ema_are_those_of_its_weights(pairs):
    """The score with running statistics and with those of all images agree; with momentum 0.99 they do not."""
    gaps = {}
    for momentum in (0.9, 0.99):
        sizes = ["generator.num_blocks=2", "generator.num_filters=16"]
        state, _ = train("srresnet_x4", pairs, *sizes, f"generator.batch_norm_momentum={momentum}")
        running = psnr(state.generator_ema, pairs)
        for layer in state.generator_ema.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.0  # the next pass in training mode replaces the statistics
        state.generator_ema(pairs[0], training=True)
        gaps[momentum] = abs(psnr(state.generator_ema, pairs) - running)
    assert gaps[0.9] < 0.3
    assert gaps[0.99] > 2 * gaps[0.9]


SMALL = ["generator.num_blocks=2", "generator.num_filters=16"]
FAMILIES = {
    "srresnet_x4": SMALL,
    "msrgan_x4": SMALL,
    "channel_attention_x4": SMALL,
    "self_attention_x4": SMALL,
    "multiscale_attention_x4": [*SMALL, "generator.attention_interval=1"],
    "esrgan_x4": ["generator.num_blocks=1", "generator.num_filters=16", "generator.growth_filters=8"],
    "compact_x4": SMALL,
    "wdsr_x4": SMALL,
    "srdensenet_x4": ["generator.num_blocks=2", "generator.num_layers=3", "generator.num_filters=32"],
}


@pytest.mark.slow
@pytest.mark.parametrize("preset", FAMILIES)
def test_every_kernel_moves(pairs, preset):
    state, before = train(preset, pairs, *FAMILIES[preset])
    for old, new in zip(before, state.generator.trainable_variables, strict=True):
        if new.path.split("/")[-1].endswith("kernel"):
            moved = np.linalg.norm(new.numpy() - old) / np.linalg.norm(old)
            assert moved > 0.01, f"{new.path} has moved by {moved:.2%} of its norm"
