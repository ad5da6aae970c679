"""One training step of each phase, as a `tf.function` of a batch `(lr, hr)`.

A step returns scalars by their tags; they stay on the device until the loop asks for them.
"""

import tensorflow as tf

from srgan_tf.training.objective import Outputs, evaluate_terms


def make_pretrain_step(state, terms, *, ema_decay):
    """The pretrain step: the generator alone.

    Args:
        state: a `TrainingState`; the step changes its variables.
        terms: from `pretrain_terms`.
        ema_decay: of the averaged generator.

    Returns:
        Function from float32 `lr` and `hr` in [0, 1] to a dictionary of float32 scalars.
    """

    @tf.function
    def pretrain_step(lr, hr):
        with tf.GradientTape() as tape:
            sr = state.generator(lr, training=True)
            total, values = evaluate_terms(terms, Outputs(hr, sr))
            scaled = state.g_optimizer.scale_loss(total)
        variables = state.generator.trainable_variables
        state.g_optimizer.apply(tape.gradient(scaled, variables), variables)
        _update_ema(state, ema_decay)
        state.step.assign_add(1)
        return _generator_scalars(total, values)

    return pretrain_step


def make_gan_step(state, terms, adversarial, *, ema_decay):
    """The GAN step: generator and discriminator together.

    One pass of the generator and one of the discriminator over the fakes serve both updates: each network's gradient
    is taken with the other as it was before the step.

    Args:
        state: a `TrainingState` with a discriminator; the step changes its variables.
        terms: from `gan_terms`.
        adversarial: an `AdversarialLoss`, for the discriminator's side.
        ema_decay: of the averaged generator.

    Returns:
        Function from float32 `lr` and `hr` in [0, 1] to a dictionary of float32 scalars.
    """

    @tf.function
    def gan_step(lr, hr):
        with tf.GradientTape(persistent=True) as tape:
            sr = state.generator(lr, training=True)
            real_logits = state.discriminator(hr, training=True)
            fake_logits = state.discriminator(sr, training=True)
            total, values = evaluate_terms(terms, Outputs(hr, sr, real_logits, fake_logits))
            d_total = adversarial.discriminator(real_logits, fake_logits)
            scaled = state.g_optimizer.scale_loss(total)
            d_scaled = state.d_optimizer.scale_loss(d_total)
        g_variables = state.generator.trainable_variables
        d_variables = state.discriminator.trainable_variables
        g_gradients = tape.gradient(scaled, g_variables)
        d_gradients = tape.gradient(d_scaled, d_variables)
        del tape
        state.g_optimizer.apply(g_gradients, g_variables)
        state.d_optimizer.apply(d_gradients, d_variables)
        _update_ema(state, ema_decay)
        state.step.assign_add(1)
        return _generator_scalars(total, values) | {
            "loss/discriminator/total": d_total,
            "logits/real": tf.reduce_mean(real_logits),
            "logits/fake": tf.reduce_mean(fake_logits),
        }

    return gan_step


def _generator_scalars(total, values):
    return {"loss/generator/total": total} | {f"loss/generator/{name}": value for name, value in values.items()}


def _update_ema(state, decay):
    """Moves the average: decay * average + (1 - decay) * weight, batch norm statistics too.

    The decay grows from 0.1 to its value in the first steps (TensorFlow's `num_updates` rule): otherwise a short run's
    average would still be mostly the initial weights.
    """
    step = tf.cast(state.step, tf.float32)
    decay = tf.minimum(decay, (1.0 + step) / (10.0 + step))
    for average, weight in zip(state.generator_ema.weights, state.generator.weights, strict=True):
        average.assign(decay * average + (1.0 - decay) * weight)
