import math

import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.checkpoints import DivergedError
from srgan_tf.training.progress import Window, check_progress, due, optimizer_scalars
from srgan_tf.training.state import gan_state
from srgan_tf.training.update import StepResult


def result(scalars):
    return StepResult(tuple(scalars), tf.constant([*scalars.values()]), {})


def results(*rows):
    return [result({"loss/generator/total": loss, "guard/skipped": skipped}) for loss, skipped in rows]


def test_due_every_n_steps_and_at_the_end():
    assert [step for step in range(1, 9) if due(step, 3, 8)] == [3, 6, 8]


def test_means_leave_skipped_steps_out():
    window = Window()
    for step in results((1.0, 0.0), (math.nan, 1.0), (4.0, 0.0), (math.nan, 1.0), (4.0, 0.0)):
        window.add(step, waited=0.5)
    assert window.scalars() == {"loss/generator/total": 3.0, "guard/skipped": 2.0}
    assert (window.steps, window.waited) == (5, 2.5)
    only = Window()
    only.add(*results((math.nan, 1.0)), waited=0.0)
    assert only.scalars() == {"guard/skipped": 1.0}


def test_means_of_scalars_that_only_some_steps_have():
    window = Window()
    for step in range(1, 13):  # the generator is updated on every second step
        scalars = {"loss/discriminator/total": float(step), "guard/skipped": 0.0}
        if step % 2 == 0:
            scalars = {"loss/generator/total": 10.0 * step} | scalars
        window.add(result(scalars), waited=0.0)
    assert window.scalars() == {"loss/discriminator/total": 6.5, "loss/generator/total": 70.0, "guard/skipped": 0.0}


def test_results_are_read_every_ten_steps_and_at_a_report(monkeypatch):
    tensor, reads = type(tf.constant(0.0)), []
    read = tensor._numpy
    monkeypatch.setattr(tensor, "_numpy", lambda self: reads.append(len(added)) or read(self))
    window, added = Window(), []
    for step in results(*[(1.0, 0.0)] * 25):
        added.append(step)
        window.add(step, waited=0.0)
    assert reads == [10, 20]
    window.scalars()
    assert reads == [10, 20, 25]


def test_learning_rates_loss_scales_and_divergence():
    small = ["generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4", "precision=float16"]
    state = gan_state(with_settings(presets.srgan_x4(), [*small, "data.hr_patch_size=32"]))
    assert optimizer_scalars(state) == {
        "learning_rate/generator": pytest.approx(1e-4),
        "learning_rate/discriminator": pytest.approx(1e-4),
        "loss_scale/generator": 2.0**15,
        "loss_scale/discriminator": 2.0**15,
    }
    check_progress(state, {"loss/generator/total": 0.5}, 7, max_skipped=3)
    with pytest.raises(DivergedError, match=r"diverged by step 7: loss/generator/total = inf"):
        check_progress(state, {"loss/generator/total": math.inf}, 7, max_skipped=3)
    state.skipped_in_a_row.assign(2)
    check_progress(state, {}, 7, max_skipped=3)
    state.skipped_in_a_row.assign(3)
    with pytest.raises(DivergedError, match="the gradients of the last 3 steps were not finite"):
        check_progress(state, {}, 7, max_skipped=3)
