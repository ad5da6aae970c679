"""A training step from the losses on: gradients, a vote whether they are finite, updates, averages, counters.

The same for all phases and for any number of replicas; best read from `train_step` on. `steps.py` has the forward
passes and losses of the phases.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from srgan_tf.images.pixels import to_float
from srgan_tf.training import names
from srgan_tf.training.compilation import compiled
from srgan_tf.training.optimizers import LossScale


class StepResult(NamedTuple):
    """Scalars and discriminator logits of one step; they stay on the device until they are read.

    Attributes:
        tags: the tags of the scalars.
        values: float32 [len(tags)], the scalars, means over the replicas. Those of a skipped step are meaningless.
        logits: discriminator logits by tag, as `strategy.run` returns them; empty except in the GAN phase.
    """

    tags: tuple[str, ...]
    values: tf.Tensor
    logits: dict[str, tf.Tensor]

    @property
    def scalars(self):
        """The scalars, floats by tag. Reading them waits until the device has done the step."""
        return dict(zip(self.tags, self.values.numpy().tolist(), strict=True))


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


def make_step(state, networks: list[TrainedNetwork], compute_losses: Callable, ema_decay, micro_batches, jit):
    """Makes a step from its losses.

    Args:
        state: the `TrainingState`.
        networks: the networks that the step updates.
        compute_losses: function from `lr`, `hr`, `positions` and `corner` (see `LossInputs`) to `Losses`, with totals
            in the order of `networks`.
        ema_decay: decay of the averaged generator.
        micro_batches: number of parts of a replica's batch.
        jit: compile with XLA.

    Returns:
        Function from `lr` and `hr`, uint8 or float32 in [0, 1], and the number of steps done (None: read the state's
        counter) to a `StepResult`.
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

    def differentiate(corner, lr, hr, positions):
        # 1. Forward pass and losses.
        with tf.GradientTape(persistent=True) as tape:
            losses = compute_losses(lr, hr, positions, corner)
            scaled = [total * network.loss_scale.value for total, network in zip(losses.totals, networks, strict=True)]
        # 2. Gradients, still multiplied by the loss scale.
        gradients = [_gradients(tape, loss, network.model) for loss, network in zip(scaled, networks, strict=True)]
        return _Gradients(gradients, losses.scalars, losses.logits)

    def on_replica(lr, hr, done):
        lr, hr = tf.nest.map_structure(lambda x: to_float(x) if x.dtype == tf.uint8 else x, (lr, hr))
        saved_averages = [tf.identity(variable) for variable in moving_averages]
        batch = (lr, hr, _positions(done, tf.shape(hr)[0], replicas))
        gradients = _accumulate(functools.partial(differentiate, _corner(done)), batch, micro_batches)
        norms = {
            names.gradient_norm_tag(network.name): tf.linalg.global_norm(of_network) / network.loss_scale.value
            for of_network, network in zip(gradients.per_network, networks, strict=True)
        }
        return gradients._replace(scalars=gradients.scalars | norms), saved_averages

    def apply(gradients, all_finite):
        for of_network, network in zip(gradients, networks, strict=True):
            # The optimizer sums over the replicas. Divided by their number, the sum is the gradient of the whole batch.
            factor = tf.where(all_finite, 1.0 / (replicas * network.loss_scale.value), 0.0)
            # In a skipped step they are zero, whatever they were.
            unscaled = [tf.math.multiply_no_nan(gradient, factor) for gradient in of_network]
            network.optimizer.apply_if(all_finite, unscaled, network.model.trainable_variables)

    tags = []  # filled when the step is traced

    # There is no branch on whether the gradients are finite: the host would have to wait for the device to know it.
    def train_step(lr, hr, done):
        # 1. and 2. Forward pass and gradients: each replica computes those of its part of the batch.
        gradients, saved_averages = strategy.run(on_replica, args=(lr, hr, done))

        # 3. Vote: one gradient that is not finite, on any replica, makes the mean of the norms not finite.
        tags[:] = gradients.scalars
        values = _mean_over_replicas(strategy, gradients.scalars)
        finite = [tf.math.is_finite(values[tags.index(names.gradient_norm_tag(each.name))]) for each in networks]
        all_finite = tf.reduce_all(finite)

        # 4. Update the networks. A step that is skipped also undoes the forward pass.
        strategy.run(apply, args=(gradients.per_network, all_finite))
        for variable, saved in zip(moving_averages, saved_averages, strict=True):
            strategy.extended.update(variable, _keep_if, (all_finite, saved))

        # 5. Update the EMA of the generator.
        if any(network.model is state.generator for network in networks):
            _update_ema(strategy, state, ema_decay, all_finite)

        # 6. Adapt the float16 loss scales and count the step.
        for network, is_finite in zip(networks, finite, strict=True):
            network.loss_scale.update(is_finite)
        skipped = 1 - tf.cast(all_finite, tf.int64)
        state.skipped.assign_add(skipped)
        state.skipped_in_a_row.assign(skipped * (state.skipped_in_a_row + 1))
        state.step.assign_add(1)
        tags.append(names.SKIPPED)
        return tf.concat([values, [tf.cast(skipped, tf.float32)]], 0), gradients.logits

    compiled_step = compiled(train_step, jit=jit)

    def step(lr, hr, done=None):
        done = steps_done(state) if done is None else done
        with tf.device("CPU:0"):  # on the device, it would be copied back: the seed of random numbers is on the host
            done = tf.constant(done, tf.int64)
        values, logits = compiled_step(lr, hr, done)
        return StepResult(tuple(tags), values, logits)

    step.compiled = compiled_step
    return step


def steps_done(state):
    """The number of steps done in the phase, read from the device."""
    return int(state.step.numpy())


def _keep_if(variable, condition, before):
    """Gives a variable its earlier value unless the condition is true."""
    variable.assign(tf.where(condition, variable, before))


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


def _positions(done, size, replicas):
    """Uniform random numbers in [0, 1), one for each image of this replica's part of the batch.

    They are drawn for the whole batch, as a function of the number of steps done. So a resumed run draws the same
    numbers, and the number of replicas and micro-batches does not change them.
    """
    first = size * tf.distribute.get_replica_context().replica_id_in_sync_group
    seed = tf.stack([tf.zeros_like(done), done])
    return tf.random.stateless_uniform([replicas * size], seed)[first : first + size]


def _corner(done):
    """Two uniform random numbers in [0, 1) on the host, a function of the number of steps done."""
    with tf.device("CPU:0"):
        return tf.random.stateless_uniform([2], tf.stack([tf.ones_like(done), done]))


def _mean_over_replicas(strategy, scalars):
    """Means of scalars, float32 [len(scalars)]: as one vector, so that the replicas communicate only once."""
    vector = strategy.run(lambda *values: tf.stack(values), args=tuple(scalars.values()))
    return strategy.reduce("MEAN", vector, axis=None)


def _gradients(tape, loss, model):
    return tape.gradient(loss, model.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _update_ema(strategy, state, decay, finite):
    """Updates the averaged generator: decay * average + (1 - decay) * weight, batch norm's moving averages too.

    If the gradients were not `finite`, nothing changes: the decay is 1.

    The decay grows from 0.1 to its final value in the first steps (TensorFlow's `num_updates` rule). Otherwise the
    average of a short run would still be mostly the initial weights.
    """
    step = tf.cast(state.step, tf.float32)
    decay = tf.where(finite, tf.minimum(decay, (1.0 + step) / (10.0 + step)), 1.0)

    def move(average, weight):
        average.assign(decay * average + (1.0 - decay) * weight)

    for average, weight in zip(state.generator_ema.weights, state.generator.weights, strict=True):
        strategy.extended.update(average.value, move, (weight.value,))
