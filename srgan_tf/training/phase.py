"""One phase of a run: the training loop, from the newest checkpoint to the last step."""

import dataclasses
import logging
import pathlib
import shutil
import time
from collections.abc import Callable, Sequence

import tensorflow as tf

from srgan_tf.config.schema import Config
from srgan_tf.data.pairs import Pair
from srgan_tf.data.pipeline import TrainingPictures
from srgan_tf.files import atomic_write
from srgan_tf.inference.loading import upscaler_of
from srgan_tf.runs import GENERATOR_FILE, METRICS_FILE, TENSORBOARD_FOLDER, checkpoints_folder
from srgan_tf.training.checkpoints import Checkpoints, DivergedError
from srgan_tf.training.diffusion import make_diffusion_step
from srgan_tf.training.distribution import is_chief, per_replica, require_agreement, uses_jit
from srgan_tf.training.early_stopping import early_stop
from srgan_tf.training.interruption import delayed_signals
from srgan_tf.training.names import DIFFUSION, PHASES, PRETRAIN
from srgan_tf.training.objective import (
    diffusion_terms,
    discriminator_terms,
    gan_terms,
    perceptual_function,
    pretrain_terms,
)
from srgan_tf.training.profiler import Profiler
from srgan_tf.training.progress import Window, check_progress, due, optimizer_scalars
from srgan_tf.training.reporting import Reporter, has_scores
from srgan_tf.training.state import TrainingState
from srgan_tf.training.steps import make_gan_step, make_pretrain_step
from srgan_tf.training.validation import BEST, installed_stlpips, validate

_log = logging.getLogger(__name__)


@dataclasses.dataclass
class Phase:
    """A phase of a run. It is made, and its methods are called, inside the strategy's scope.

    Attributes:
        config: the settings.
        workdir: the run folder.
        name: one of `PHASES`.
        state: the state to train.
        strategy: the strategy that the state was made for.
        features: the VGG19 extractor; None if no loss uses it.
        ranker: RankSRGAN's ranker; None if no loss uses it.
        train_pictures: the training set.
        valid_pairs: the validation set.
    """

    config: Config
    workdir: pathlib.Path
    name: str
    state: TrainingState
    _: dataclasses.KW_ONLY
    strategy: tf.distribute.Strategy
    features: Callable | None
    ranker: Callable | None
    train_pictures: TrainingPictures
    valid_pairs: Sequence[Pair]

    def __post_init__(self):
        self.steps = getattr(self.config, self.name).steps
        self.patience = getattr(self.config, self.name).patience
        self.stlpips = installed_stlpips() if self.name != PRETRAIN else None
        self.writes = is_chief(self.strategy)
        self.checkpoints = Checkpoints(
            checkpoints_folder(self.workdir, self.name),
            self.state,
            keep=self.config.reporting.keep_checkpoints,
            best=BEST,
            writes=self.writes,
        )
        self.upscaler = upscaler_of(self.state.generator_ema, self.config.preset)

    def train(self):
        """Trains to the end of the phase, from its newest checkpoint if there is one.

        If the training diverges, it goes back to the last checkpoint once and continues with other crops.

        Raises:
            DivergedError: it diverged again.
            WorkError: a checkpoint cannot be read or written.
        """
        restored = self.checkpoints.restore()
        step = restored or 0
        require_agreement(self.strategy, step, int(self.state.rollbacks.numpy()))
        reporter = Reporter(
            self.workdir,
            self.name,
            steps=self.steps,
            start_step=restored,
            batch_size=self.config.data.batch_size,
            pictures=len(self.train_pictures),
            writes=self.writes,
        )
        if restored is None:
            reporter.describe(self.config.to_dict())
            # A divergence before the next checkpoint goes back to this one. It also marks the phase before as finished.
            self.checkpoints.save()
        else:
            _log.info("%s: resumed at step %d of %d", self.name, step, self.steps)
            # The run may have been killed after its checkpoint and before these.
            self.publish()
            scores_due = step and due(step, self.config.reporting.validate_every, self.steps)
            if scores_due and not has_scores(self.workdir / METRICS_FILE, self.name, step):
                self.validate(reporter)
        train_step = self.make_step()
        with delayed_signals(saves=self.writes) as interruption:
            try:
                self.run_steps(train_step, reporter, interruption)
            except DivergedError as error:
                if self.state.rollbacks.numpy():
                    raise
                self.go_back(error, reporter)
                self.run_steps(train_step, reporter, interruption)

    def make_step(self):
        """The training step of this phase; see `steps.py`."""
        config, state = self.config, self.state
        options = {
            "ema_decay": config.ema_decay,
            "micro_batches": config.micro_batches,
            "jit": uses_jit(config.jit, self.strategy),
        }
        if self.name == PRETRAIN:
            at_random_scales = config.data.min_scale > 0
            return make_pretrain_step(
                state, pretrain_terms(config.pretrain), at_random_scales=at_random_scales, **options
            )
        if self.name == DIFFUSION:
            return make_diffusion_step(state, config.diffusion.loss, diffusion_terms(config, self.features), **options)
        terms, d_terms = gan_terms(config.gan, self.features, self.ranker), discriminator_terms(config.gan)
        return make_gan_step(state, terms, d_terms, generator_every=config.gan.generator_every, **options)

    def run_steps(self, train_step, reporter, interruption):
        """The training loop: trains from the state's step to the last one; reports, saves and validates on the way.

        Args:
            train_step: function from `lr`, `hr` and the number of steps done to a `StepResult`.
            reporter: a `Reporter`.
            interruption: an `Interruption`. After a signal, the loop saves and ends the program.

        Raises:
            DivergedError: a loss or a weight is not finite, or too many steps in a row were skipped. The last
                checkpoint is older than that.
        """
        step = int(self.state.step.numpy())
        reporting = self.config.reporting
        intervals = (reporting.log_every, reporting.checkpoint_every, reporting.validate_every)
        batches = iter(per_replica(self.strategy, self.batches()))
        window = Window()
        profiler = Profiler(self.workdir / TENSORBOARD_FOLDER / self.name, enabled=reporting.profile and self.writes)
        with profiler:
            stopped = early_stop(self.workdir, self.name, self.patience)
            while step < self.steps and not stopped:
                # 1. Train on one batch.
                start = time.perf_counter()
                lr, hr = next(batches)
                waited = time.perf_counter() - start
                result = train_step(lr, hr, step)
                window.add(result, waited=waited)
                window.seconds += time.perf_counter() - start
                step += 1
                profiler.after_step()

                # 2. Report.
                report_due, save_due, validate_due = (due(step, every, self.steps) for every in intervals)
                if report_due or save_due or validate_due:
                    start = time.perf_counter()
                    scalars = window.scalars()  # waits for the device
                    window.seconds += time.perf_counter() - start
                    check_progress(self.state, scalars, step, self.config.max_skipped)
                    reporter.progress(step, scalars | optimizer_scalars(self.state), result.logits, window)
                    window = Window()
                elif reporter.status_due():
                    reporter.status(step, window.scalars(), window)

                # 3. Save, but not between skipped steps: the weights may already be the cause of the skipping.
                saving = save_due and (step == self.steps or not self.state.skipped_in_a_row.numpy())
                if saving:
                    self.save()

                # 4. Validate, after saving: if it fails, no step is lost.
                if validate_due and not interruption.signal:
                    self.validate(reporter)
                    stopped = early_stop(self.workdir, self.name, self.patience)
                    if stopped and not saving:
                        saving = True
                        self.save()

                # 5. End the program after a signal, which may have come during the validation.
                if interruption.signal:
                    if not saving:
                        self.save()
                    _log.warning("saved at step %d; the same command resumes from there", step)
                    interruption.leave()

    def batches(self):
        """Batches from the state's step to the last one: a function of the seed, the phase, the step and rollbacks."""
        rollbacks = int(self.state.rollbacks.numpy())
        seed = (self.config.seed, PHASES.index(self.name))
        # The same crops would diverge again.
        seed = (*seed, rollbacks) if rollbacks else seed
        return self.train_pictures.batches(int(self.state.step.numpy()), self.steps, seed)

    def go_back(self, error, reporter):
        """Restores the last checkpoint after a divergence, and makes the crops that follow different ones."""
        rollbacks = int(self.state.rollbacks.numpy()) + 1
        step = self.checkpoints.restore()
        # All machines must have read the checkpoint before the first one writes.
        require_agreement(self.strategy, step, rollbacks)
        _log.warning("%s: %s. Going back to step %d, once, with other crops", self.name, error, step)
        self.state.rollbacks.assign(rollbacks)
        self.save()
        reporter.go_back_to(step)

    def save(self):
        """Saves a checkpoint and generator.keras."""
        self.checkpoints.save()
        self.publish()

    def publish(self):
        """Copies the averaged generator of the state's checkpoint to generator.keras."""
        if self.writes:
            with atomic_write(self.workdir / GENERATOR_FILE) as unfinished:
                shutil.copyfile(self.checkpoints.generator_file(int(self.state.step.numpy())), unfinished)

    def validate(self, reporter):
        """Scores the averaged generator, reports the scores, and keeps its checkpoint if it is the best one."""
        if not self.writes:
            return
        scores, sheets = validate(
            self.upscaler,
            self.valid_pairs,
            samples=self.config.reporting.samples,
            perceptual=self.features and perceptual_function(self.config.gan.perceptual, self.features),
            stlpips=self.stlpips,
        )
        if self.checkpoints.record_scores(scores):
            self.publish()
        reporter.validation(int(self.state.step.numpy()), scores, sheets)
