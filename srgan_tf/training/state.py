"""Everything that a phase changes and its checkpoints contain: networks, optimizers, counters."""

import dataclasses

import keras
import tensorflow as tf

from srgan_tf import hardware
from srgan_tf.errors import UserError
from srgan_tf.networks.discriminators import DISCRIMINATORS
from srgan_tf.networks.generators import GENERATORS
from srgan_tf.networks.idm import LAYER, base_of, is_diffusion
from srgan_tf.networks.precision import as_float32, precision_scope
from srgan_tf.networks.rewrites.training import optimize_for_training
from srgan_tf.training.optimizers import LossScale, make_optimizer


@dataclasses.dataclass
class TrainingState:
    """State of one phase.

    Attributes:
        generator: the network that is trained, in the run's precision, optimized for training.
        generator_ema: float32 exponential moving average of the generator; it is validated and saved.
        g_optimizer: the optimizer of the generator.
        g_loss_scale: the float16 loss scale of the generator.
        step: int64 variable, number of steps done in this phase, including skipped ones.
        skipped: int64 variable, number of steps without an update because a gradient was not finite.
        skipped_in_a_row: int64 variable, number of skipped steps since the last update.
        rollbacks: int64 variable, number of times that the phase went back to a checkpoint; it changes the crops.
        discriminator: None except in the GAN phase.
        d_optimizer: None except in the GAN phase.
        d_loss_scale: None except in the GAN phase.
    """

    generator: keras.Model
    generator_ema: keras.Model
    g_optimizer: keras.optimizers.Optimizer
    g_loss_scale: LossScale
    step: tf.Variable
    skipped: tf.Variable
    skipped_in_a_row: tf.Variable
    rollbacks: tf.Variable
    discriminator: keras.Model | None = None
    d_optimizer: keras.optimizers.Optimizer | None = None
    d_loss_scale: LossScale | None = None

    def checkpoint(self):
        """A `tf.train.Checkpoint` of everything here."""
        parts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return tf.train.Checkpoint(**{name: part for name, part in parts.items() if part is not None})

    def weights(self):
        """All weights of the networks."""
        networks = (self.generator, self.generator_ema, self.discriminator)
        return [weight for network in networks if network is not None for weight in network.weights]

    def start_from(self, generator):
        """Copies the weights of another generator into the generator and its average.

        A diffusion generator can start from its base alone: a continuous generator.

        Raises:
            UserError: the weights have other shapes.
        """
        weights = generator.get_weights()
        shapes = [weight.shape for weight in weights]
        targets = [self.generator, self.generator_ema]
        if is_diffusion(self.generator) and not is_diffusion(generator):
            targets = [base_of(target) for target in targets]
        if shapes != [tuple(weight.shape) for weight in targets[0].weights]:
            raise UserError("cannot start from a generator that is not the one the settings describe")
        for target in targets:
            target.set_weights(weights)


def pretrain_state(config):
    """The state at the beginning of the pretrain phase; made for the strategy in whose scope this is called."""
    return _state(config, config.pretrain, config.pretrain.optimizer)


def gan_state(config):
    """The state at the beginning of the GAN phase, with a new generator: see `start_from`."""
    state = _state(config, config.gan, config.gan.generator_optimizer)
    precision = hardware.resolve_precision(config.precision)
    with precision_scope(precision):
        discriminator = build_network(
            "discriminator", DISCRIMINATORS, config.discriminator, hr_patch_size=config.data.hr_patch_size
        )
    state.discriminator = optimize_for_training(discriminator)
    _synchronize_batch_norms(state.discriminator)
    state.d_optimizer = make_optimizer(
        config.gan.learning_rate,
        config.gan.steps,
        state.discriminator.trainable_variables,
        state.step,
        config.gan.discriminator_optimizer,
        clip_weights=config.gan.clip_weights,
    )
    state.d_loss_scale = LossScale(precision == "float16")
    return state


def diffusion_state(config):
    """The state at the beginning of the diffusion phase; only the diffusion of the generator is trained."""
    return _state(config, config.diffusion, config.diffusion.optimizer, frozen=lambda layer: layer.name != LAYER)


def _state(config, phase, optimizer, frozen=lambda layer: False):
    precision = hardware.resolve_precision(config.precision)
    with precision_scope(precision):
        network = build_network("generator", GENERATORS, config.generator, scale=config.scale)
    generator = optimize_for_training(network)
    if config.freeze_batch_norm:
        for layer in _batch_norms(generator):
            layer.trainable = False
    for layer in filter(frozen, generator.layers):
        layer.trainable = False
    _synchronize_batch_norms(generator)

    def counter(name):
        return tf.Variable(0, trainable=False, dtype=tf.int64, name=name)

    step = counter("step")
    return TrainingState(
        generator=generator,
        generator_ema=as_float32(network),
        g_optimizer=make_optimizer(phase.learning_rate, phase.steps, generator.trainable_variables, step, optimizer),
        g_loss_scale=LossScale(precision == "float16"),
        step=step,
        skipped=counter("skipped"),
        skipped_in_a_row=counter("skipped_in_a_row"),
        rollbacks=counter("rollbacks"),
    )


def _synchronize_batch_norms(network):
    """Makes batch statistics those of the whole batch if there are several replicas."""
    if tf.distribute.get_strategy().num_replicas_in_sync > 1:
        for layer in _batch_norms(network):
            layer.synchronized = True


def _batch_norms(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]


def build_network(field, table, choice, **given):
    """Builds the network that a setting names.

    Raises:
        UserError: its options are not valid; the message names the setting.
    """
    options = dict(choice)
    builder = table[options.pop("name")]
    try:
        return builder(**options, **given)
    except ValueError as error:
        raise UserError(f"{field}: {error}") from error
