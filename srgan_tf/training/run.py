"""A whole training run: all phases, from the settings to generator.keras."""

import contextlib
import dataclasses
import errno
import logging
import pathlib

import keras
import tensorflow as tf

from srgan_tf import hardware
from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.files import make_folder
from srgan_tf.losses.dists import DISTS_LAYERS
from srgan_tf.networks.idm import base_of, is_diffusion
from srgan_tf.networks.interpolation import structural_difference
from srgan_tf.networks.saved import load_generator
from srgan_tf.networks.vgg import vgg19_features
from srgan_tf.runs import GENERATOR_FILE, METRICS_FILE, checkpoints_folder
from srgan_tf.training.checkpoints import steps_in
from srgan_tf.training.datasets import load_datasets
from srgan_tf.training.distribution import check_batch, choose_strategy, is_chief
from srgan_tf.training.early_stopping import check_early_stopping, early_stop
from srgan_tf.training.epochs import with_steps
from srgan_tf.training.names import DIFFUSION, GAN, PHASES, PRETRAIN
from srgan_tf.training.phase import Phase
from srgan_tf.training.ranker import load_ranker
from srgan_tf.training.reporting import has_scores
from srgan_tf.training.state import diffusion_state, gan_state, pretrain_state
from srgan_tf.training.workdir import (
    check_workdir,
    lock_workdir,
    record_session,
    resolved_precision,
    write_config,
)

_log = logging.getLogger(__name__)

# Errors of an operation over all machines when one of them is lost.
_LOST_MACHINE = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


def run(config, workdir, strategy=None):
    """Trains all phases to their end. A run that was interrupted is resumed by the same call.

    Args:
        config: a `Config`.
        workdir: the run folder, created if necessary; `srgan_tf.runs` lists its files. Several machines must share it.
        strategy: a `tf.distribute.Strategy`; None for `choose_strategy()`.

    Returns:
        Path of generator.keras.

    Raises:
        UserError: settings, data, folder or VGG19 weights are not valid. Nothing has been written.
        WorkError: the training could not be finished.
    """
    workdir = pathlib.Path(workdir)
    check_workdir(config, workdir)
    if not any(getattr(config, name).steps for name in PHASES):
        raise UserError(f"nothing to train: {', '.join(f'{name}.steps' for name in PHASES)} are all 0")
    config = dataclasses.replace(config, precision=resolved_precision(config, workdir))
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = strategy or choose_strategy()
    check_batch(config, strategy)
    check_early_stopping(config, strategy)
    keras.utils.set_random_seed(config.seed)
    replicas = strategy.num_replicas_in_sync
    shared = f", {replicas} replicas" if replicas > 1 else ""
    _log.info("device %s%s, precision %s", hardware.describe(), shared, config.precision)
    with strategy.scope():
        try:
            return _run(config, workdir, strategy)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise
            raise WorkError(f"a file could not be read or written: {error}") from error
        except tf.errors.ResourceExhaustedError as error:
            if "No space left" in str(error):
                raise WorkError(f"the disk is full: {first_line(error)[:200]}") from error
            raise WorkError(
                f"out of memory: {first_line(error)[:200]}. Try --set micro_batches=2 or more: the batch "
                "stays the same, and the same workdir resumes"
            ) from error
        except _LOST_MACHINE as error:
            if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
                raise
            raise WorkError(
                f"a machine has left the training ({type(error).__name__}: {first_line(error)[:200]}). "
                "Start it again on all machines: it resumes from the last checkpoint"
            ) from error


def _run(config, workdir, strategy):
    generator_file = workdir / GENERATOR_FILE
    if _is_finished(config, workdir):
        return generator_file
    # Load everything that can fail now, not after days of pretraining.
    features = perceptual_features(config)
    ranker = load_ranker(config.gan.ranker) if config.gan.steps and config.gan.rank_weight else None
    train_pictures, valid_pairs = load_datasets(config)
    # config.json has the settings as they were given: a resumed run compares them.
    given, config = config, with_steps(config, len(train_pictures))
    begun = {name for name in PHASES if steps_in(checkpoints_folder(workdir, name))}
    to_train = [name for name in PHASES if getattr(config, name).steps]
    first = max((to_train.index(name) for name in begun & {*to_train}), default=0)  # those before are finished
    states = {name: _STATES[name](config) for name in to_train[first:]}
    if config.init_generator and not begun:
        _start_from(config.init_generator, next(iter(states.values())))

    with contextlib.ExitStack() as stack:
        if is_chief(strategy):
            make_folder(workdir)
            stack.enter_context(lock_workdir(workdir))
            check_workdir(given, workdir)  # another process may have started a run in it meanwhile
            write_config(given, workdir)
            record_session(workdir, train_pictures, replicas=strategy.num_replicas_in_sync)
        before = None
        for name, state in states.items():
            if before is not None:
                state.start_from(before.generator_ema)
            phase = Phase(
                config,
                workdir,
                name,
                state,
                strategy=strategy,
                features=features,
                ranker=ranker,
                train_pictures=train_pictures,
                valid_pairs=valid_pairs,
            )
            phase.train()
            before = state
    return generator_file


# Builders of the state of each phase.
_STATES = {PRETRAIN: pretrain_state, GAN: gan_state, DIFFUSION: diffusion_state}


def _start_from(model, state):
    generator, target = load_generator(model), state.generator_ema
    if is_diffusion(target) and not is_diffusion(generator):
        target = base_of(target)
    if difference := structural_difference(generator, target):
        raise UserError(f"{model!r} is not the generator that the settings describe; they differ in {difference}")
    state.start_from(generator)


def _is_finished(config, workdir):
    last = [name for name in PHASES if getattr(config, name).steps][-1]
    settings = getattr(config, last)
    if settings.epochs:  # the number of steps depends on the training set
        return False
    steps = early_stop(workdir, last, settings.patience) or settings.steps
    return (
        steps_in(checkpoints_folder(workdir, last))[-1:] == [steps]
        and has_scores(workdir / METRICS_FILE, last, steps)
        and (workdir / GENERATOR_FILE).is_file()
    )


def perceptual_features(config):
    """The VGG19 extractor of the phases; None if their settings do not use one."""
    uses_dists = config.gan.steps and config.gan.dists_weight
    uses_perceptual = [phase for phase in (config.gan, config.diffusion) if phase.steps and phase.perceptual_weight]
    if not (uses_dists or uses_perceptual):
        return None
    perceptual = config.gan.perceptual
    # The layers of the perceptual loss are needed in any case: the validation scores are computed from them.
    layers = dict.fromkeys([*perceptual.layers, *(DISTS_LAYERS if uses_dists else ())])
    return vgg19_features(
        list(layers),
        before_activation=perceptual.before_activation,
        weights=perceptual.weights,
        # bfloat16 changes the direction of the gradient less than rounding the images to uint8 (docs/TRAINING.md).
        precision="bfloat16" if hardware.resolve_precision(config.precision) == "bfloat16" else "float32",
    )
