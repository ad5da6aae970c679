"""The GAN step as tutorials write it: what `training.steps` is measured against."""

import tensorflow as tf

from srgan_tf.training.objective import Outputs, evaluate_terms


def make_plain_gan_step(state, terms, adversarial):
    """Discriminator first, then the generator, each with its own passes over the fakes; nothing is guarded or averaged.

    Args:
        state: a `TrainingState` with a discriminator.
        terms: from `gan_terms`.
        adversarial: an `AdversarialLoss`.

    Returns:
        Function from `lr` and `hr`, float32 in [0, 1], to the generator's loss.
    """
    generator, discriminator = state.generator, state.discriminator

    @tf.function
    def step(lr, hr):
        with tf.GradientTape() as tape:
            sr = generator(lr, training=True)
            d_total = adversarial.discriminator(discriminator(hr, training=True), discriminator(sr, training=True))
        variables = discriminator.trainable_variables
        state.d_optimizer.apply(tape.gradient(d_total, variables), variables)
        with tf.GradientTape() as tape:
            sr = generator(lr, training=True)
            logits = discriminator(hr, training=True), discriminator(sr, training=True)
            total, _ = evaluate_terms(terms, Outputs(hr, sr, *logits))
        variables = generator.trainable_variables
        state.g_optimizer.apply(tape.gradient(total, variables), variables)
        return total

    return step
