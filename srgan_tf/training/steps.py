"""One training step of each phase, as a `tf.function` of a batch `(lr, hr)`: its forward passes and losses.

What follows the losses is in `update.py`.
"""

import functools

import tensorflow as tf

from srgan_tf.networks.continuous import at_positions
from srgan_tf.networks.idm import base_of, is_diffusion
from srgan_tf.training import names
from srgan_tf.training.objective import LossInputs, evaluate_terms
from srgan_tf.training.scalars import discriminator_scalars, generator_scalars
from srgan_tf.training.update import Losses, TrainedNetwork, make_step, steps_done


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
        A step for the strategy in whose scope this is called: a function from `lr` and `hr`, uint8 or float32 in
        [0, 1], to a `StepResult`. Its third argument is the number of steps done in the phase; without it, the state's
        counter is read, which waits until the device has done the previous step.
    """
    regression = base_of(state.generator) if is_diffusion(state.generator) else state.generator
    generate = at_positions(regression) if at_random_scales else regression

    def compute_losses(lr, hr, positions, corner):
        del positions, corner
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
        A step, as from `make_pretrain_step`.
    """
    discriminate = functools.partial(state.discriminator, training=True)

    def discriminate_images(lr, hr, sr, positions, corner):
        return LossInputs(
            hr,
            sr,
            discriminate(hr),
            discriminate(sr),
            lr=lr,
            generator_ema=functools.partial(state.generator_ema, training=False),
            discriminator=discriminate,
            positions=positions,
            corner=corner,
        )

    def discriminator_losses(inputs):
        total, values = evaluate_terms(d_terms, inputs)
        logits = {names.REAL_LOGITS: inputs.real_logits, names.FAKE_LOGITS: inputs.fake_logits}
        return Losses([total], discriminator_scalars(total, values, *logits.values()), logits)

    def losses_of_both(lr, hr, positions, corner):
        sr = state.generator(lr, training=True)
        inputs = discriminate_images(lr, hr, sr, positions, corner)
        total, values = evaluate_terms(terms, inputs)
        d_losses = discriminator_losses(inputs)
        scalars = generator_scalars(total, values, hr, sr) | d_losses.scalars
        return Losses([total, *d_losses.totals], scalars, d_losses.logits)

    def losses_of_discriminator(lr, hr, positions, corner):
        sr = tf.stop_gradient(state.generator(lr, training=True))
        return discriminator_losses(discriminate_images(lr, hr, sr, positions, corner))

    options = (ema_decay, micro_batches, jit)
    discriminator = TrainedNetwork(names.DISCRIMINATOR, state.discriminator, state.d_optimizer, state.d_loss_scale)
    step_of_both = make_step(state, [trained_generator(state), discriminator], losses_of_both, *options)
    if generator_every == 1:
        return step_of_both
    step_of_discriminator = make_step(state, [discriminator], losses_of_discriminator, *options)

    def train_step(lr, hr, done=None):
        done = steps_done(state) if done is None else done
        both = (done + 1) % generator_every == 0
        return (step_of_both if both else step_of_discriminator)(lr, hr, done)

    return train_step


def trained_generator(state):
    """The generator of a `TrainingState`, with its optimizer and loss scale."""
    return TrainedNetwork(names.GENERATOR, state.generator, state.g_optimizer, state.g_loss_scale)
