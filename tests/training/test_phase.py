import itertools
import math
import signal

import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.checkpoints import DivergedError
from srgan_tf.training.interruption import Interruption, delayed_signals
from srgan_tf.training.phase import Phase
from srgan_tf.training.reporting import Reporter
from srgan_tf.training.state import gan_state, pretrain_state
from srgan_tf.training.update import StepResult


class NoPictures:
    """Stands in for `TrainingPictures`: batches without images."""

    @staticmethod
    def batches(first_step, last_step, seed):
        del seed
        return [(None, None)] * (last_step - first_step)


class RecordedPhase(Phase):
    """A phase that records the steps at which it saves, instead of writing checkpoints."""

    def __post_init__(self):
        super().__post_init__()
        self.saved = []

    def save(self):
        self.saved.append(int(self.state.step))

    def validate(self, reporter):
        pass


class Training:
    """A phase whose steps return the given losses; it saves every second step."""

    def __init__(self, folder, losses, during=lambda step: None, settings=()):
        config = with_settings(
            presets.tiny(),
            [
                *("generator.num_blocks=1", "reporting.checkpoint_every=2", "max_skipped=3"),
                f"pretrain.steps={len(losses)}",
                *settings,
            ],
        )
        self.losses, self.during = losses, during
        self.reporter = Reporter(folder, "pretrain", steps=len(losses), start_step=0, batch_size=1, pictures=1)
        self.phase = RecordedPhase(
            config,
            folder,
            "pretrain",
            pretrain_state(config),
            strategy=tf.distribute.get_strategy(),
            features=None,
            ranker=None,
            train_pictures=NoPictures,
            valid_pairs=[],
        )

    def step(self, lr, hr, done):
        self.phase.state.step.assign_add(1)
        self.during(done + 1)
        return StepResult(("loss/generator/total", "guard/skipped"), tf.constant([self.losses[done], 0.0]), {})

    def run(self, interruption=None):
        self.phase.run_steps(self.step, self.reporter, interruption or Interruption())


def test_a_phase_saves_every_n_steps_and_at_its_end(tmp_path):
    training = Training(tmp_path, [0.5] * 5)
    training.run()
    assert training.phase.saved == [2, 4, 5]


def test_a_loss_that_is_not_finite_stops_before_the_next_checkpoint(tmp_path):
    training = Training(tmp_path, [0.5, 0.4, math.nan, 0.3])
    with pytest.raises(DivergedError, match=r"diverged by step 4: loss/generator/total = nan"):
        training.run()
    assert training.phase.saved == [2]


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_a_signal_finishes_and_saves_the_step(tmp_path, number, error):
    training = Training(tmp_path, [0.5] * 9, during=lambda step: step == 3 and signal.raise_signal(number))
    with delayed_signals() as interruption, pytest.raises(error):
        training.run(interruption)
    assert training.phase.saved == [2, 3]


def test_a_signal_during_the_last_validation_ends_the_program(tmp_path, monkeypatch):
    training = Training(tmp_path, [0.5] * 5)
    monkeypatch.setattr(training.phase, "validate", lambda reporter: signal.raise_signal(signal.SIGTERM))
    with delayed_signals() as interruption, pytest.raises(SystemExit):
        training.run(interruption)
    assert training.phase.saved == [2, 4, 5]


def test_nothing_is_saved_between_skipped_steps(tmp_path):
    def during(step):
        training.phase.state.skipped_in_a_row.assign(1 if step in (2, 5) else 0)

    training = Training(tmp_path, [0.5] * 5, during)
    training.run()
    assert training.phase.saved == [4, 5]  # the last step is always saved


def test_a_phase_stops_early_and_does_not_resume(tmp_path):
    """Scores of 20, 21, 20, 19 dB at steps 3, 6, 9, 12 of 20, with a patience of 2."""
    training = Training(tmp_path, [0.5] * 20, settings=("pretrain.patience=2", "reporting.validate_every=3"))
    scores = iter([20.0, 21.0, 20.0, 19.0])

    def validate(reporter):
        reporter.validation(int(training.phase.state.step), {"psnr_y": next(scores)}, {})

    training.phase.validate = validate
    training.run()
    assert training.phase.saved == [2, 4, 6, 8, 10, 12]
    training.run()
    assert int(training.phase.state.step) == 12


def test_a_phase_that_stops_early_saves_its_last_step(tmp_path):
    training = Training(tmp_path, [0.5] * 20, settings=("pretrain.patience=2", "reporting.validate_every=1"))
    training.phase.validate = lambda reporter: reporter.validation(int(training.phase.state.step), {"psnr_y": 20.0}, {})
    training.run()
    assert training.phase.saved == [2, 3]


def test_crops_depend_on_the_seed_the_phase_the_step_and_rollbacks(tmp_path):
    seeds = []

    class Recorder:
        @staticmethod
        def batches(*arguments):
            seeds.append(arguments)

    phase = Training(tmp_path, [0.5] * 5).phase
    phase.train_pictures = Recorder
    phase.batches()
    phase.state.step.assign(3)
    phase.state.rollbacks.assign(1)
    phase.batches()
    assert seeds == [(0, 5, (0, 0)), (3, 5, (0, 0, 1))]


@pytest.mark.slow
def test_the_loop_reads_from_the_device_every_ten_steps_only(tmp_path, monkeypatch):
    """Between two reports; in the GAN phase with one update of the generator for two of the discriminator."""
    settings = ["generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4"]
    settings += ["data.hr_patch_size=16", "data.batch_size=1", "gan.perceptual_weight=0", "gan.generator_every=2"]
    settings += ["gan.steps=45", "reporting.log_every=35", "reporting.checkpoint_every=45", "precision=float32"]
    config = with_settings(presets.srgan_x4(), settings)
    tensor, reads = type(tf.constant(0.0)), []
    read = tensor._numpy
    lr, hr = tf.fill((1, 4, 4, 3), 0.5), tf.fill((1, 16, 16, 3), 0.5)

    class Pictures:
        @staticmethod
        def batches(first_step, last_step, seed):
            for step in range(first_step, last_step):
                reads.append(f"step {step + 1}")
                yield lr, hr

    phase = RecordedPhase(
        config,
        tmp_path,
        "gan",
        gan_state(config),
        strategy=tf.distribute.get_strategy(),
        features=None,
        ranker=None,
        train_pictures=Pictures,
        valid_pairs=[],
    )
    reporter = Reporter(tmp_path, "gan", steps=45, start_step=0, batch_size=1, pictures=1)
    monkeypatch.setattr(reporter, "status_due", lambda: False)
    step = phase.make_step()
    monkeypatch.setattr(tensor, "_numpy", lambda self: reads.append("read") or read(self))
    phase.run_steps(step, reporter, Interruption())
    first, last = reads.index("step 1"), reads.index("step 35")
    followed_by_a_read = [now for now, then in itertools.pairwise(reads[first : last + 1]) if then == "read"]
    assert followed_by_a_read == ["step 10", "step 20", "step 30"]
    assert reads[first:last].count("read") == 3
