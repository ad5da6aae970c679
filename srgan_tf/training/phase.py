"""One phase of a run: the loop with all that it calls, from the newest checkpoint to the end."""

import logging
import shutil

from srgan_tf.config import schema
from srgan_tf.data.pipeline import training_batches
from srgan_tf.files import atomic_write
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.runs import GENERATOR_FILE, METRICS_FILE, TENSORBOARD_FOLDER, checkpoints_folder
from srgan_tf.training.checkpoints import Checkpoints, DivergedError
from srgan_tf.training.distribution import is_chief, per_replica, require_agreement, uses_jit
from srgan_tf.training.interruption import delayed_signals
from srgan_tf.training.loop import due, train_phase
from srgan_tf.training.objective import discriminator_terms, gan_terms, perceptual_function, pretrain_terms
from srgan_tf.training.profiler import Profiler
from srgan_tf.training.reporting import Reporter, has_scores
from srgan_tf.training.steps import make_gan_step, make_pretrain_step
from srgan_tf.training.validation import BEST, validate

PHASES = ("pretrain", "gan")

_log = logging.getLogger(__name__)


class Phase:
    """A phase about to be trained; called inside the strategy's scope.

    Args:
        config: a `Config`.
        workdir: the run folder.
        name: "pretrain" or "gan".
        state: its `TrainingState`.
        strategy: the strategy that the state was made for.
        features: the VGG19 extractor, None where nothing asks for it.
        ranker: RankSRGAN's, the same.
        train_pairs: sequence of `Pair`.
        valid_pairs: sequence of `Pair`.
    """

    def __init__(self, config, workdir, name, state, *, strategy, features, ranker, train_pairs, valid_pairs):
        self._config = config
        self._workdir = workdir
        self._name = name
        self._state = state
        self._strategy = strategy
        self._features = features
        self._ranker = ranker
        self._train_pairs = train_pairs
        self._valid_pairs = valid_pairs
        self._steps = getattr(config, name).steps
        self._is_chief = is_chief(strategy)
        self._checkpoints = Checkpoints(
            checkpoints_folder(workdir, name),
            state,
            keep=config.reporting.keep_checkpoints,
            best=BEST,
            writes=self._is_chief,
        )
        self._upscaler = network_upscaler(state.generator_ema, config.preset)

    def train(self):
        """Trains to the end of the phase, from its newest checkpoint if it has one.

        Raises:
            WorkError: see `train_phase`; a divergence is tried once more from the checkpoint before it.
        """
        restored = self._checkpoints.restore()
        start_step = restored or 0
        require_agreement(self._strategy, start_step, int(self._state.rollbacks.numpy()))
        reporting = self._config.reporting
        self._reporter = Reporter(
            self._workdir,
            self._name,
            steps=self._steps,
            start_step=restored,
            batch_size=self._config.data.batch_size,
            writes=self._is_chief,
        )
        if restored is None:
            self._reporter.describe(schema.to_dict(self._config))
            # What the phase begins with: a divergence goes back to it, and the phase before is known to be over.
            self._checkpoints.save()
        else:
            _log.info("%s: resumed at step %d of %d", self._name, start_step, self._steps)
            # The run may have been killed between its checkpoint and these.
            self._ship()
            scores_due = start_step and due(start_step, reporting.validate_every, self._steps)
            if scores_due and not has_scores(self._workdir / METRICS_FILE, self._name, start_step):
                self._validate()
        train_step = self._make_step()
        with delayed_signals(saves=self._is_chief) as interruption:
            try:
                self._train(train_step, interruption)
            except DivergedError as error:
                if self._state.rollbacks.numpy():
                    raise
                self._go_back(error)
                self._train(train_step, interruption)

    def _train(self, train_step, interruption):
        data = self._config.data
        first_step, rollbacks = int(self._state.step.numpy()), int(self._state.rollbacks.numpy())
        seed = (self._config.seed, PHASES.index(self._name))
        batches = training_batches(
            self._train_pairs,
            first_step=first_step,
            last_step=self._steps,
            batch_size=data.batch_size,
            hr_patch_size=data.hr_patch_size,
            scale=self._config.scale,
            # With the same crops, what led to a rollback would happen again.
            seed=(*seed, rollbacks) if rollbacks else seed,
            augment=data.augment,
            degradation=data.degradation,
            clean_fraction=data.clean_fraction,
        )
        reporting = self._config.reporting
        with Profiler(
            self._workdir / TENSORBOARD_FOLDER / self._name, enabled=reporting.profile and self._is_chief
        ) as profiler:
            train_phase(
                self._state,
                train_step,
                per_replica(self._strategy, batches),
                steps=self._steps,
                reporting=reporting,
                reporter=self._reporter,
                profiler=profiler,
                validate=self._validate,
                save=self._save,
                interruption=interruption,
                max_skipped=self._config.max_skipped,
            )

    def _make_step(self):
        options = {
            "ema_decay": self._config.ema_decay,
            "micro_batches": self._config.micro_batches,
            "jit": uses_jit(self._config.jit, self._strategy),
        }
        if self._name == "pretrain":
            return make_pretrain_step(self._state, pretrain_terms(self._config.pretrain), **options)
        gan = self._config.gan
        terms = gan_terms(gan, self._features, self._ranker)
        return make_gan_step(
            self._state, terms, discriminator_terms(gan), generator_every=gan.generator_every, **options
        )

    def _go_back(self, error):
        rollbacks = int(self._state.rollbacks.numpy()) + 1
        step = self._checkpoints.restore()
        # Every machine has to have read the checkpoint before the first one writes.
        require_agreement(self._strategy, step, rollbacks)
        _log.warning("%s: %s. Going back to step %d, once, with other crops", self._name, error, step)
        self._state.rollbacks.assign(rollbacks)
        self._save()
        self._reporter.go_back_to(step)

    def _save(self):
        self._checkpoints.save()
        self._ship()

    def _ship(self):
        if self._is_chief:
            with atomic_write(self._workdir / GENERATOR_FILE) as unfinished:
                shutil.copyfile(self._checkpoints.generator_file(int(self._state.step.numpy())), unfinished)

    def _validate(self):
        if not self._is_chief:
            return
        scores, sheets = validate(
            self._upscaler,
            self._valid_pairs,
            samples=self._config.reporting.samples,
            perceptual=self._features and perceptual_function(self._config.gan.perceptual, self._features),
        )
        if self._checkpoints.record_scores(scores):
            self._ship()
        self._reporter.validation(int(self._state.step.numpy()), scores, sheets)
