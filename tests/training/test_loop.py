import math
import signal

import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.checkpoints import DivergedError
from srgan_tf.training.interruption import Interruption, delayed_signals
from srgan_tf.training.loop import Window, train_phase
from srgan_tf.training.profiler import Profiler
from srgan_tf.training.reporting import Reporter
from srgan_tf.training.state import pretrain_state
from srgan_tf.training.steps import StepResult


def report(loss, skipped=0.0):
    return StepResult({"loss/generator/total": tf.constant(loss), "guard/skipped": tf.constant(skipped)}, {})


def test_means_exclude_skipped_steps():
    window = Window()
    for loss, skipped in ((1.0, 0.0), (math.nan, 1.0), (4.0, 0.0), (math.nan, 1.0), (4.0, 0.0)):
        window.add(report(loss, skipped), waited=0.5)
    assert window.scalars() == {"loss/generator/total": 3.0, "guard/skipped": 2.0}
    assert (window.steps, window.waited) == (5, 2.5)
    only = Window()
    only.add(report(math.nan, 1.0), waited=0.0)
    assert only.scalars() == {"guard/skipped": 1.0}


def test_means_of_scalars_that_only_some_steps_report():
    window = Window()
    for step in range(1, 5):  # the generator moves at every second one
        scalars = {"loss/discriminator/total": tf.constant(float(step)), "guard/skipped": tf.constant(0.0)}
        if step % 2 == 0:
            scalars["loss/generator/total"] = tf.constant(10.0 * step)
        window.add(StepResult(scalars, {}), waited=0.0)
    assert window.scalars() == {"loss/discriminator/total": 2.5, "loss/generator/total": 30.0, "guard/skipped": 0.0}


class Training:
    """A phase of five steps whose losses are given; each second step saves."""

    def __init__(self, folder, losses, during=lambda step: None):
        self.config = with_settings(presets.tiny(), ["generator.num_blocks=1", "reporting.checkpoint_every=2"])
        self.state = pretrain_state(self.config)
        self.losses, self.during = losses, during
        self.saved, self.interruption = [], Interruption()
        self.reporter = Reporter(folder, "pretrain", steps=len(losses), start_step=0, batch_size=1)
        self.profiler = Profiler(folder, enabled=False)
        self.validate = lambda: None

    def step(self, lr, hr):
        self.state.step.assign_add(1)
        self.during(int(self.state.step))
        return report(self.losses[int(self.state.step) - 1])

    def run(self):
        train_phase(
            self.state,
            self.step,
            [(None, None)] * len(self.losses),
            steps=len(self.losses),
            reporting=self.config.reporting,
            reporter=self.reporter,
            profiler=self.profiler,
            validate=lambda: self.validate(),
            save=lambda: self.saved.append(int(self.state.step)),
            interruption=self.interruption,
            max_skipped=3,
        )


def test_a_phase_saves_every_n_steps_and_at_its_end(tmp_path):
    training = Training(tmp_path, [0.5] * 5)
    training.run()
    assert training.saved == [2, 4, 5]


def test_a_loss_that_is_not_finite_stops_before_anything_is_saved(tmp_path):
    training = Training(tmp_path, [0.5, 0.4, math.nan, 0.3])
    with pytest.raises(DivergedError, match=r"diverged by step 4: loss/generator/total = nan"):
        training.run()
    assert training.saved == [2]


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_saves_a_checkpoint_and_exits(tmp_path, number, error):
    training = Training(tmp_path, [0.5] * 9, during=lambda step: step == 3 and signal.raise_signal(number))
    with delayed_signals() as training.interruption, pytest.raises(error):
        training.run()
    assert training.saved == [2, 3]


def test_a_signal_during_the_last_validation_still_exits(tmp_path):
    training = Training(tmp_path, [0.5] * 5)
    training.validate = lambda: signal.raise_signal(signal.SIGTERM)
    with delayed_signals() as training.interruption, pytest.raises(SystemExit):
        training.run()
    assert training.saved == [2, 4, 5]


def test_nothing_is_saved_between_skipped_steps(tmp_path):
    def during(step):
        training.state.skipped_in_a_row.assign(1 if step in (2, 5) else 0)

    training = Training(tmp_path, [0.5] * 5, during)
    training.run()
    assert training.saved == [4, 5]  # the end is saved in any case


def test_other_machines_continue_until_the_chief_has_saved():
    with delayed_signals(saves=False) as interruption:
        signal.raise_signal(signal.SIGTERM)
        assert interruption.signal is None


def test_a_profile_is_stopped_if_training_ends_early(tmp_path):
    for _ in range(2):  # a second one would not start beside one that runs
        with Profiler(tmp_path, enabled=True) as profiler:
            for _ in range(12):
                profiler.after_step()
    assert list(tmp_path.rglob("*.xplane.pb"))


def test_a_second_signal_exits_at_once():
    before = signal.getsignal(signal.SIGINT)
    with delayed_signals() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before
