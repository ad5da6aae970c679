"""The GAN step as tutorials write it: what `training.steps` is measured against."""

import functools

import tensorflow as tf

from srgan_tf.training.objective import Outputs, evaluate_terms


def make_plain_gan_step(state, terms, d_terms):
    """Discriminator first, then the generator, each with its own passes over the fakes; nothing is guarded or averaged.

    Args:
        state: a `TrainingState` with a discriminator.
        terms: from `gan_terms`.
        d_terms: from `discriminator_terms`.

    Returns:
        Function from `lr` and `hr`, float32 in [0, 1], to the generator's loss.
    """
    generator = functools.partial(state.generator, training=True)
    discriminator = functools.partial(state.discriminator, training=True)
    generator_ema = functools.partial(state.generator_ema, training=False)

    def outputs(lr, hr):
        sr = generator(lr)
        positions = tf.random.uniform(tf.shape(hr)[:1])
        return Outputs(hr, sr, discriminator(hr), discriminator(sr), lr, generator_ema, discriminator, positions)

    @tf.function
    def step(lr, hr):
        with tf.GradientTape() as tape:
            d_total, _ = evaluate_terms(d_terms, outputs(lr, hr))
        variables = state.discriminator.trainable_variables
        state.d_optimizer.apply(tape.gradient(d_total, variables), variables)
        with tf.GradientTape() as tape:
            total, _ = evaluate_terms(terms, outputs(lr, hr))
        variables = state.generator.trainable_variables
        state.g_optimizer.apply(tape.gradient(total, variables), variables)
        return total

    return step
