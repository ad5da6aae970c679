"""One training step of each phase, as a `tf.function` of a batch `(lr, hr)`.

The forward pass and the losses differ between the phases: `make_pretrain_step` and `make_gan_step`. The rest of the
step is the same for both and for any number of replicas: `make_step`, best read from `train_step` at its end.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from srgan_tf.networks.continuous import at_positions
from srgan_tf.networks.idm import base_of, is_diffusion
from srgan_tf.training import names
from srgan_tf.training.objective import LossInputs, evaluate_terms
from srgan_tf.training.optimizers import LossScale
from srgan_tf.training.scalars import discriminator_scalars, generator_scalars


class StepResult(NamedTuple):
    """Scalars and discriminator logits of one step; they stay on the device until they are read.

    Attributes:
        scalars: float32 scalars by tag, means over the replicas. Those of a skipped step are meaningless.
        logits: discriminator logits by tag, as `strategy.run` returns them; empty in the pretrain phase.
    """

    scalars: dict[str, tf.Tensor]
    logits: dict[str, tf.Tensor]


class TrainedNetwork(NamedTuple):
    """A network with its optimizer and loss scale."""

    name: str
    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss_scale: LossScale


class Losses(NamedTuple):
    """Result of a forward pass: one total loss for each trained network, scalars by tag, logits by tag."""

    totals: list[tf.Tensor]
    scalars: dict[str, tf.Tensor]
    logits: dict[str, tf.Tensor]


class _Gradients(NamedTuple):
    """Result of a backward pass: a list of gradients for each trained network, scalars by tag, logits by tag."""

    per_network: list[list[tf.Tensor]]
    scalars: dict[str, tf.Tensor]
    logits: dict[str, tf.Tensor]


def make_pretrain_step(state, terms, *, ema_decay, micro_batches=1, jit=False, at_random_scales=False):
    """Makes the pretrain step, which updates the generator only.

    Args:
        state: a `TrainingState`; the step changes its variables.
        terms: from `pretrain_terms`.
        ema_decay: decay of the averaged generator.
        micro_batches: gradient accumulation: number of parts that the batch of a replica is split into, to save
            memory. Losses and gradients are means over them; batch norm sees each part separately.
        jit: compile with XLA; for one replica only.
        at_random_scales: train a continuous generator at the positions of the batches of `ContinuousPictures`: `lr` is
            then `(lr, rows, columns)`.

    Returns:
        Function from float32 `lr` and `hr` in [0, 1] to a `StepResult`, for the strategy in whose scope this is called.
    """
    regression = base_of(state.generator) if is_diffusion(state.generator) else state.generator
    generate = at_positions(regression) if at_random_scales else regression

    def compute_losses(lr, hr, positions):
        del positions
        sr = generate(lr, training=True)
        total, values = evaluate_terms(terms, LossInputs(hr, sr))
        return Losses([total], generator_scalars(total, values, hr, sr), {})

    return make_step(state, [trained_generator(state)], compute_losses, ema_decay, micro_batches, jit)


def make_gan_step(state, terms, d_terms, *, ema_decay, generator_every=1, micro_batches=1, jit=False):
    """Makes the GAN step, which updates generator and discriminator together.

    Both updates share one forward pass of the generator and one of the discriminator over the fake images. Each
    network's gradient is computed with the other network's weights from before the step.

    Args:
        state: a `TrainingState` with a discriminator; the step changes its variables.
        terms: from `gan_terms`.
        d_terms: from `discriminator_terms`.
        ema_decay: decay of the averaged generator.
        generator_every: update the generator on every Nth step; the discriminator is updated on every step. The other
            steps have no scalars of the generator.
        micro_batches: as for `make_pretrain_step`.
        jit: as for `make_pretrain_step`.

    Returns:
        Function from float32 `lr` and `hr` in [0, 1] to a `StepResult`, for the strategy in whose scope this is called.
    """
    discriminate = functools.partial(state.discriminator, training=True)

    def discriminate_images(lr, hr, sr, positions):
        return LossInputs(
            hr,
            sr,
            discriminate(hr),
            discriminate(sr),
            lr=lr,
            generator_ema=functools.partial(state.generator_ema, training=False),
            discriminator=discriminate,
            positions=positions,
        )

    def discriminator_losses(inputs):
        total, values = evaluate_terms(d_terms, inputs)
        logits = {names.REAL_LOGITS: inputs.real_logits, names.FAKE_LOGITS: inputs.fake_logits}
        return Losses([total], discriminator_scalars(total, values, *logits.values()), logits)

    def losses_of_both(lr, hr, positions):
        sr = state.generator(lr, training=True)
        inputs = discriminate_images(lr, hr, sr, positions)
        total, values = evaluate_terms(terms, inputs)
        d_losses = discriminator_losses(inputs)
        scalars = generator_scalars(total, values, hr, sr) | d_losses.scalars
        return Losses([total, *d_losses.totals], scalars, d_losses.logits)

    def losses_of_discriminator(lr, hr, positions):
        sr = tf.stop_gradient(state.generator(lr, training=True))
        return discriminator_losses(discriminate_images(lr, hr, sr, positions))

    options = (ema_decay, micro_batches, jit)
    discriminator = TrainedNetwork(names.DISCRIMINATOR, state.discriminator, state.d_optimizer, state.d_loss_scale)
    step_of_both = make_step(state, [trained_generator(state), discriminator], losses_of_both, *options)
    if generator_every == 1:
        return step_of_both
    step_of_discriminator = make_step(state, [discriminator], losses_of_discriminator, *options)

    def train_step(lr, hr):
        both = (int(state.step.numpy()) + 1) % generator_every == 0
        return (step_of_both if both else step_of_discriminator)(lr, hr)

    return train_step


def trained_generator(state):
    """The generator of a `TrainingState`, with its optimizer and loss scale."""
    return TrainedNetwork(names.GENERATOR, state.generator, state.g_optimizer, state.g_loss_scale)


def make_step(state, networks: list[TrainedNetwork], compute_losses: Callable, ema_decay, micro_batches, jit):
    """Makes a step: everything around the losses.

    Args:
        state: the `TrainingState`.
        networks: the networks that the step updates.
        compute_losses: function from `lr`, `hr` and `positions` (see `LossInputs`) to `Losses`, with totals in the
            order of `networks`.
        ema_decay: decay of the averaged generator.
        micro_batches: number of parts of a replica's batch.
        jit: compile with XLA.
    """
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    # Batch norm's moving averages and spectral norm's vectors. A forward pass in training mode changes them, also in a
    # generator that the step does not update.
    moving_averages = [
        weight.value
        for model in (state.generator, state.discriminator)
        if model is not None
        for weight in model.non_trainable_weights
    ]

    def differentiate(lr, hr, positions):
        # 1. Forward pass and losses.
        with tf.GradientTape(persistent=True) as tape:
            losses = compute_losses(lr, hr, positions)
            scaled = [total * network.loss_scale.value for total, network in zip(losses.totals, networks, strict=True)]
        # 2. Gradients, still multiplied by the loss scale.
        gradients = [_gradients(tape, loss, network.model) for loss, network in zip(scaled, networks, strict=True)]
        return _Gradients(gradients, losses.scalars, losses.logits)

    def on_replica(lr, hr):
        saved_averages = [tf.identity(variable) for variable in moving_averages]
        batch = (lr, hr, _positions(state.step, tf.shape(hr)[0], replicas))
        gradients = _accumulate(differentiate, batch, micro_batches)
        # The optimizer sums over the replicas. Divided by their number, the sum is the gradient of the whole batch.
        unscaled = [
            [gradient / (replicas * network.loss_scale.value) for gradient in of_network]
            for of_network, network in zip(gradients.per_network, networks, strict=True)
        ]
        norms = {
            names.gradient_norm_tag(network.name): replicas * tf.linalg.global_norm(of_network)
            for of_network, network in zip(unscaled, networks, strict=True)
        }
        return _Gradients(unscaled, gradients.scalars | norms, gradients.logits), saved_averages

    def apply(gradients):
        for of_network, network in zip(gradients, networks, strict=True):
            network.optimizer.apply(of_network, network.model.trainable_variables)

    @tf.function(jit_compile=jit)
    def train_step(lr, hr):
        # 1. and 2. Forward pass and gradients: each replica computes those of its part of the batch.
        gradients, saved_averages = strategy.run(on_replica, args=(lr, hr))

        # 3. Vote: one gradient that is not finite, on any replica, makes the mean of the norms not finite.
        scalars = _mean_over_replicas(strategy, gradients.scalars)
        finite = [tf.math.is_finite(scalars[names.gradient_norm_tag(network.name)]) for network in networks]
        all_finite = tf.reduce_all(finite)

        def update():
            # 4. Update the networks.
            strategy.run(apply, args=(gradients.per_network,))
            # 5. Update the EMA of the generator.
            if any(network.model is state.generator for network in networks):
                _update_ema(strategy, state, ema_decay)
            state.skipped_in_a_row.assign(0)

        def skip():
            # Instead of 4. and 5.: undo the forward pass.
            for variable, saved in zip(moving_averages, saved_averages, strict=True):
                strategy.extended.update(variable, lambda variable, saved: variable.assign(saved), (saved,))
            state.skipped.assign_add(1)
            state.skipped_in_a_row.assign_add(1)

        tf.cond(all_finite, update, skip)

        # 6. Adapt the float16 loss scales and count the step.
        for network, is_finite in zip(networks, finite, strict=True):
            network.loss_scale.update(is_finite)
        state.step.assign_add(1)
        return StepResult(scalars | {names.SKIPPED: 1.0 - tf.cast(all_finite, tf.float32)}, gradients.logits)

    return train_step


def _accumulate(differentiate, batch, micro_batches):
    """Mean gradients and scalars over micro-batches, computed one after the other; logits of all of them."""
    parts = []
    for part in zip(*(tf.split(tensor, micro_batches) for tensor in tf.nest.flatten(batch)), strict=True):
        # Without this order TensorFlow could compute all parts at once, and hold all of them in memory.
        with tf.control_dependencies(tf.nest.flatten(parts[-1:])):
            parts.append(differentiate(*tf.nest.pack_sequence_as(batch, list(map(tf.identity, part)))))
    if micro_batches == 1:
        return parts[0]

    def mean(*values):
        return tf.add_n(values) / micro_batches

    per_network, scalars, logits = zip(*parts, strict=True)
    return _Gradients(
        tf.nest.map_structure(mean, *per_network),
        tf.nest.map_structure(mean, *scalars),
        tf.nest.map_structure(lambda *values: tf.concat(values, 0), *logits),
    )


def _positions(step, size, replicas):
    """Uniform random numbers in [0, 1), one for each image of this replica's part of the batch.

    They are drawn for the whole batch, as a function of the step. So a resumed run draws the same numbers, and the
    number of replicas and micro-batches does not change them.
    """
    first = size * tf.distribute.get_replica_context().replica_id_in_sync_group
    seed = tf.stack([tf.zeros_like(step), step])
    return tf.random.stateless_uniform([replicas * size], seed)[first : first + size]


def _mean_over_replicas(strategy, scalars):
    """Means of scalars by tag. They are packed into one vector, so that the replicas communicate only once."""
    vector = strategy.run(lambda *values: tf.stack(values), args=tuple(scalars.values()))
    return dict(zip(scalars, tf.unstack(strategy.reduce("MEAN", vector, axis=None)), strict=True))


def _gradients(tape, loss, model):
    return tape.gradient(loss, model.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _update_ema(strategy, state, decay):
    """Updates the averaged generator: decay * average + (1 - decay) * weight, batch norm's moving averages too.

    The decay grows from 0.1 to its final value in the first steps (TensorFlow's `num_updates` rule). Otherwise the
    average of a short run would still be mostly the initial weights.
    """
    step = tf.cast(state.step, tf.float32)
    decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))

    def move(average, weight):
        average.assign(decay * average + (1.0 - decay) * weight)

    for average, weight in zip(state.generator_ema.weights, state.generator.weights, strict=True):
        strategy.extended.update(average.value, move, (weight.value,))
