"""A whole training run: settings and a folder in, a trained generator out."""

import logging
import pathlib

import keras

from srgan_tf import evaluation, hardware
from srgan_tf.data.pipeline import training_batches
from srgan_tf.errors import UserError
from srgan_tf.inference import GENERATOR_FILE, network_upscaler
from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.models.vgg import vgg19_features
from srgan_tf.outputs import written_aside
from srgan_tf.training.checkpoints import Checkpoints, has_checkpoint
from srgan_tf.training.datasets import load_datasets
from srgan_tf.training.loop import train_phase
from srgan_tf.training.objective import gan_terms, pretrain_terms
from srgan_tf.training.reporting import Reporter, sample_sheet
from srgan_tf.training.state import gan_state, pretrain_state
from srgan_tf.training.steps import make_gan_step, make_pretrain_step
from srgan_tf.training.workdir import check_workdir, write_config

_log = logging.getLogger(__name__)


def run(config, workdir):
    """Trains both phases to their end, from wherever an earlier call with the same arguments stopped.

    Args:
        config: a `Config`.
        workdir: the run folder, made if need be. It gets config.json, metrics.jsonl, tensorboard/, checkpoints/,
            samples/ and generator.keras.

    Returns:
        Path of generator.keras.

    Raises:
        UserError: before anything is written: settings, data, folder or VGG19 weights that will not do.
        WorkError: the training could not be finished.
    """
    workdir = pathlib.Path(workdir)
    check_workdir(config, workdir)
    keras.utils.set_random_seed(config.seed)
    _log.info("device %s, precision %s", hardware.describe(), config.precision)
    # All that can be refused is asked for now, not when days of pretraining are over.
    features = _perceptual_features(config)
    pretraining = config.pretrain.steps and not has_checkpoint(workdir / "checkpoints" / "gan")
    pretrain = pretrain_state(config) if pretraining else None
    gan = gan_state(config) if config.gan.steps else None
    if not (config.pretrain.steps or config.gan.steps):
        raise UserError("nothing to train: pretrain.steps and gan.steps are both 0")
    train_pairs, valid_pairs = load_datasets(config)
    write_config(config, workdir)

    if pretrain:
        _train(config, workdir, "pretrain", pretrain, features, train_pairs, valid_pairs)
    if pretrain and gan:
        gan.start_from(pretrain.generator_ema)
    if gan:
        _train(config, workdir, "gan", gan, features, train_pairs, valid_pairs)
    return workdir / GENERATOR_FILE


def _train(config, workdir, phase, state, features, train_pairs, valid_pairs):
    settings = getattr(config, phase)
    checkpoints = Checkpoints(workdir / "checkpoints" / phase, state, keep=config.reporting.keep_checkpoints)
    start_step = checkpoints.restore()
    if start_step:
        _log.info("%s: resumed at step %d of %d", phase, start_step, settings.steps)
        # The run may have been killed between its checkpoint and this.
        _save_generator(state.generator_ema, workdir)
    if start_step == settings.steps:
        return

    upscaler = network_upscaler(state.generator_ema, config.preset)

    def validate():
        scores = [scored.scores for scored in evaluation.evaluate(upscaler, valid_pairs)]
        sheets = {
            # Two sources may have pictures of one name, and names may be as long as the file system allows.
            f"{index}-{pair.name.replace('/', '-')[:100]}": sample_sheet(upscaler, pair)
            for index, pair in enumerate(valid_pairs[: config.reporting.samples])
        }
        return evaluation.mean_scores(scores), sheets

    def save():
        checkpoints.save()
        _save_generator(state.generator_ema, workdir)

    if phase == "pretrain":
        step = make_pretrain_step(state, pretrain_terms(settings), ema_decay=config.ema_decay)
    else:
        adversarial = ADVERSARIAL_LOSSES[settings.adversarial]
        step = make_gan_step(state, gan_terms(settings, features), adversarial, ema_decay=config.ema_decay)
    batches = training_batches(
        train_pairs,
        first_step=start_step,
        last_step=settings.steps,
        batch_size=config.data.batch_size,
        hr_patch_size=config.data.hr_patch_size,
        scale=config.scale,
        seed=(config.seed, ("pretrain", "gan").index(phase)),
        augment=config.data.augment,
        degradation=config.data.degradation,
    )
    reporter = Reporter(workdir, phase, steps=settings.steps, start_step=start_step, batch_size=config.data.batch_size)
    train_phase(
        state,
        step,
        batches,
        steps=settings.steps,
        reporting=config.reporting,
        reporter=reporter,
        validate=validate,
        save=save,
    )


def _perceptual_features(config):
    if not (config.gan.steps and config.gan.perceptual_weight):
        return None
    perceptual = config.gan.perceptual
    return vgg19_features(
        list(perceptual.layers), before_activation=perceptual.before_activation, weights=perceptual.weights
    )


def _save_generator(generator, workdir):
    with written_aside(workdir / GENERATOR_FILE) as unfinished:
        generator.save(unfinished)
