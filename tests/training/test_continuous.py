"""Training of a continuous generator at random factors."""

import keras
import numpy as np
import pytest

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.data.continuous import ContinuousPictures
from srgan_tf.networks.continuous import at_positions
from srgan_tf.training.datasets import load_datasets
from srgan_tf.training.objective import pretrain_terms
from srgan_tf.training.state import pretrain_state
from srgan_tf.training.steps import make_pretrain_step

SMALL = [
    *("generator.num_blocks=1", "generator.num_filters=4", "generator.basis=2", "generator.hidden=4"),
    *("data.hr_patch_size=32", "data.batch_size=4", 'data.train=["synthetic"]', "data.synthetic_size=64"),
]


def config_of(*assignments):
    keras.utils.set_random_seed(0)
    return with_settings(presets.load_preset("continuous_x4"), [*SMALL, *assignments])


@pytest.fixture
def batch():
    config = config_of()
    pictures, _ = load_datasets(config)
    assert isinstance(pictures, ContinuousPictures)
    return next(iter(pictures.batches(0, 1, 0)))


@pytest.mark.slow
def test_one_trace_serves_every_factor():
    config = config_of("data.synthetic_count=4", "pretrain.learning_rate.initial=0.01")
    pictures, _ = load_datasets(config)
    state = pretrain_state(config)
    before = state.generator.get_weights()
    step = make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.9, at_random_scales=True)
    factors = set()
    for (lr, rows, columns), hr in pictures.batches(0, 6, 0):
        factors.add(float(1 / rows[0, 0, 2]))
        result = step((lr, rows, columns), hr)
        assert np.isfinite(result.scalars["loss/generator/total"])
    assert len(factors) == 6
    assert step.compiled.experimental_get_tracing_count() == 1
    for old, new in zip(before, state.generator.weights, strict=True):
        assert (old != new.numpy()).any(), new.path


@pytest.mark.usefixtures("eager_steps")
def test_the_loss_is_that_of_the_network_at_the_positions(batch):
    config = config_of()
    state = pretrain_state(config)
    (lr, rows, columns), hr = batch
    sr = at_positions(state.generator)([lr, rows, columns])
    step = make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.9, at_random_scales=True)
    loss = step((lr, rows, columns), hr).scalars["loss/generator/total"]
    np.testing.assert_allclose(loss, np.abs(sr - hr).mean(), rtol=1e-5)


@pytest.mark.usefixtures("eager_steps")
def test_micro_batches_give_the_gradients_of_the_whole_batch(batch):
    config = config_of()
    weights = []
    for micro_batches in (1, 2):
        keras.utils.set_random_seed(0)
        state = pretrain_state(config)
        options = {"ema_decay": 0.9, "micro_batches": micro_batches, "at_random_scales": True}
        make_pretrain_step(state, pretrain_terms(config.pretrain), **options)(*batch)
        weights.append(state.g_optimizer.variables[-1].numpy())
    np.testing.assert_allclose(*weights, atol=1e-6)
