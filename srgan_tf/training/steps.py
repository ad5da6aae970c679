"""One training step of each phase, as a `tf.function` of a batch `(lr, hr)`.

What a step does, on any number of replicas:

1. Each replica takes the gradients of its part of the batch, in `micro_batches` pieces if memory is short.
2. All of them vote: unless every gradient of every replica is finite, the update is left out, on all of them.
3. The optimizers apply the gradients, and the averaged generator follows.

A step returns scalars by their tags; they stay on the device until the loop asks for them.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from srgan_tf.training.objective import LossInputs, evaluate_terms


class StepResult(NamedTuple):
    """What a step tells.

    Attributes:
        scalars: float32 scalars by tag, means over the replicas. A skipped step's may be anything.
        logits: the discriminator's outputs by tag, as `strategy.run` gives them; empty in the pretrain phase.
    """

    scalars: dict[str, tf.Tensor]
    logits: dict[str, tf.Tensor]


class _TrainedNetwork(NamedTuple):
    """One network in the game, with what changes it."""

    name: str
    network: object
    optimizer: object
    loss_scale: object


def make_pretrain_step(state, terms, *, ema_decay, micro_batches=1, jit=False):
    """The pretrain step: the generator alone.

    Args:
        state: a `TrainingState`; the step changes its variables.
        terms: from `pretrain_terms`.
        ema_decay: of the averaged generator.
        micro_batches: pieces that a replica's batch is cut into, one after the other in memory. Losses and gradients
            are means over them; a batch norm sees each by itself.
        jit: compile with XLA; for one replica only.

    Returns:
        Function from float32 `lr` and `hr` in [0, 1] to a `StepResult`, for the strategy in whose scope this is called.
    """
    (player,) = players = [_generator_player(state)]

    def differentiate(lr, hr):
        with tf.GradientTape() as tape:
            sr = state.generator(lr, training=True)
            total, values = evaluate_terms(terms, LossInputs(hr, sr))
            scaled = total * player.loss_scale.value
        gradients = _gradients(tape, scaled, state.generator)
        return [gradients], _generator_scalars(total, values, hr, sr), {}

    return _make_step(state, players, differentiate, ema_decay, micro_batches, jit)


def make_gan_step(state, terms, d_terms, *, ema_decay, generator_every=1, micro_batches=1, jit=False):
    """The GAN step: generator and discriminator together.

    One pass of the generator and one of the discriminator over the fakes serve both updates: each network's gradient
    is taken with the other as it was before the step.

    Args:
        state: a `TrainingState` with a discriminator; the step changes its variables.
        terms: from `gan_terms`.
        d_terms: from `discriminator_terms`.
        ema_decay: of the averaged generator.
        generator_every: the generator moves at every so many-th step; at the others the discriminator moves alone,
            and there are no scalars of the generator.
        micro_batches: as for `make_pretrain_step`.
        jit: as for `make_pretrain_step`.

    Returns:
        Function from float32 `lr` and `hr` in [0, 1] to a `StepResult`, for the strategy in whose scope this is called.
    """
    generator = _generator_player(state)
    discriminator = _TrainedNetwork("discriminator", state.discriminator, state.d_optimizer, state.d_loss_scale)

    def discriminate(images):
        return state.discriminator(images, training=True)

    def judge(lr, hr, sr):
        # A function of the step, so that a resumed run draws the same.
        seed = tf.stack([tf.zeros_like(state.step), state.step])
        return LossInputs(
            hr,
            sr,
            discriminate(hr),
            discriminate(sr),
            lr=lr,
            generator_ema=functools.partial(state.generator_ema, training=False),
            discriminator=discriminate,
            positions=tf.random.stateless_uniform(tf.shape(hr)[:1], seed),
        )

    def differentiate_both(lr, hr):
        with tf.GradientTape(persistent=True) as tape:
            outputs = judge(lr, hr, state.generator(lr, training=True))
            total, values = evaluate_terms(terms, outputs)
            d_total, d_values = evaluate_terms(d_terms, outputs)
            losses = [total * generator.loss_scale.value, d_total * discriminator.loss_scale.value]
        gradients = [
            _gradients(tape, loss, player.network)
            for loss, player in zip(losses, (generator, discriminator), strict=True)
        ]
        del tape
        scalars = _generator_scalars(total, values, hr, outputs.sr)
        return gradients, scalars | _discriminator_scalars(d_total, d_values, outputs), _logits(outputs)

    def differentiate_discriminator(lr, hr):
        sr = state.generator(lr, training=True)
        with tf.GradientTape() as tape:
            outputs = judge(lr, hr, sr)
            d_total, d_values = evaluate_terms(d_terms, outputs)
            scaled = d_total * discriminator.loss_scale.value
        gradients = [_gradients(tape, scaled, discriminator.network)]
        return gradients, _discriminator_scalars(d_total, d_values, outputs), _logits(outputs)

    options = (ema_decay, micro_batches, jit)
    both_step = _make_step(state, [generator, discriminator], differentiate_both, *options)
    if generator_every == 1:
        return both_step
    discriminator_step = _make_step(state, [discriminator], differentiate_discriminator, *options)

    def train_step(lr, hr):
        both = (int(state.step.numpy()) + 1) % generator_every == 0
        return (both_step if both else discriminator_step)(lr, hr)

    return train_step


def _generator_player(state):
    return _TrainedNetwork("generator", state.generator, state.g_optimizer, state.g_loss_scale)


def _make_step(state, players, differentiate: Callable, ema_decay, micro_batches, jit):
    """The step around the gradients.

    Args:
        state: the `TrainingState`.
        players: networks in the order of the gradients.
        differentiate: function from `lr`, `hr` to the gradients of each player's scaled loss, scalars, and logits.
        ema_decay: of the averaged generator.
        micro_batches: pieces of a replica's batch.
        jit: compile with XLA.
    """
    strategy = tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    names = [player.name for player in players]
    # A generator that stands still makes its pictures in training mode all the same.
    networks = [network for network in (state.generator, state.discriminator) if network is not None]
    tags = []  # of the scalars, in the order in which they are packed; known once the step is traced

    def on_replica(lr, hr):
        # A forward pass moves batch norm's averages; a step that is skipped must put them back.
        statistics = [tf.identity(weight.value) for network in networks for weight in _statistics(network)]
        parts = []
        for lr_piece, hr_piece in zip(tf.split(lr, micro_batches), tf.split(hr, micro_batches), strict=True):
            # Without an order all pieces could be in memory together.
            with tf.control_dependencies(tf.nest.flatten(parts[-1:])):
                parts.append(differentiate(tf.identity(lr_piece), tf.identity(hr_piece)))
        gradients = [_mean_gradients(of_player) for of_player in zip(*(part[0] for part in parts), strict=True)]
        # The optimizer adds the replicas' gradients up: the mean over the whole batch wants a part of each.
        gradients = [
            [gradient / (replicas * player.loss_scale.value) for gradient in of_player]
            for of_player, player in zip(gradients, players, strict=True)
        ]
        scalars = {tag: tf.add_n([part[1][tag] for part in parts]) / micro_batches for tag in parts[0][1]}
        for name, of_player in zip(names, gradients, strict=True):
            # Of this replica's part: the mean over the replicas is reported.
            norm = scalars[f"gradient_norm/{name}"] = replicas * tf.linalg.global_norm(of_player)
            # One gradient that is not finite makes the norm so too.
            scalars[f"non_finite/{name}"] = 1.0 - tf.cast(tf.math.is_finite(norm), tf.float32)
        tags[:] = scalars
        logits = {tag: tf.concat([part[2][tag] for part in parts], 0) for tag in parts[0][2]}
        return gradients, tf.stack(list(scalars.values())), logits, statistics

    def apply(gradients):
        for player, of_player in zip(players, gradients, strict=True):
            player.optimizer.apply(of_player, player.network.trainable_variables)

    @tf.function(jit_compile=jit)
    def train_step(lr, hr):
        gradients, scalars, logits, statistics = strategy.run(on_replica, args=(lr, hr))
        # One vector, so that the replicas have to meet but once for it.
        scalars = dict(zip(tags, tf.unstack(strategy.reduce("MEAN", scalars, axis=None)), strict=True))
        finite = [scalars.pop(f"non_finite/{name}") == 0.0 for name in names]
        all_finite = tf.reduce_all(finite)

        def update():
            strategy.run(apply, args=(gradients,))
            if "generator" in names:
                _update_ema(strategy, state, ema_decay)
            state.skipped_in_a_row.assign(0)

        def skip():
            kept = iter(statistics)
            for network in networks:
                for weight in _statistics(network):
                    strategy.extended.update(weight.value, lambda variable, old: variable.assign(old), (next(kept),))
            state.skipped.assign_add(1)
            state.skipped_in_a_row.assign_add(1)

        tf.cond(all_finite, update, skip)
        for player, of_player in zip(players, finite, strict=True):
            player.loss_scale.update(of_player)
        state.step.assign_add(1)
        return StepResult(scalars | {"guard/skipped": 1.0 - tf.cast(all_finite, tf.float32)}, logits)

    return train_step


def _generator_scalars(total, values, hr, sr):
    return {
        "loss/generator/total": total,
        **{f"loss/generator/{name}": value for name, value in values.items()},
        # Beyond what the pictures themselves have of it.
        "sr/saturated": _share((sr <= 0.0) | (sr >= 1.0)) - _share((hr <= 0.0) | (hr >= 1.0)),
    }


def _discriminator_scalars(total, values, outputs):
    real_logits, fake_logits = outputs.real_logits, outputs.fake_logits
    return {
        "loss/discriminator/total": total,
        **{f"loss/discriminator/{name}": value for name, value in values.items()},
        "logits/real": tf.reduce_mean(real_logits),
        "logits/fake": tf.reduce_mean(fake_logits),
        # Against the other kind's mean, so that it reads the same for every objective.
        "accuracy/real": _share(real_logits > tf.reduce_mean(fake_logits)),
        "accuracy/fake": _share(fake_logits < tf.reduce_mean(real_logits)),
    }


def _logits(outputs):
    return {"logits/real": outputs.real_logits, "logits/fake": outputs.fake_logits}


def _share(condition):
    return tf.reduce_mean(tf.cast(condition, tf.float32))


def _gradients(tape, loss, network):
    return tape.gradient(loss, network.trainable_variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _mean_gradients(pieces):
    """The mean over micro-batches of lists of gradients."""
    if len(pieces) == 1:
        return pieces[0]
    return [tf.add_n(list(same)) / len(pieces) for same in zip(*pieces, strict=True)]


def _statistics(network):
    return network.non_trainable_weights


def _update_ema(strategy, state, decay):
    """Moves the average: decay * average + (1 - decay) * weight, batch norm statistics too.

    The decay grows from 0.1 to its value in the first steps (TensorFlow's `num_updates` rule): otherwise a short run's
    average would still be mostly the initial weights.
    """
    step = tf.cast(state.step, tf.float32)
    decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))

    def move(average, weight):
        average.assign(decay * average + (1.0 - decay) * weight)

    for average, weight in zip(state.generator_ema.weights, state.generator.weights, strict=True):
        strategy.extended.update(average.value, move, (weight.value,))
