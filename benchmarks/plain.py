"""The GAN step as in tutorials, for comparison with `training.steps`."""

import functools

import keras
import tensorflow as tf

from srgan_tf.networks.discriminators import DISCRIMINATORS
from srgan_tf.networks.generators import GENERATORS
from srgan_tf.training.objective import LossInputs, evaluate_terms
from srgan_tf.training.state import build_network


def plain_networks(config):
    """Generator and discriminator with Keras's own layers, in float32."""
    side = config.data.hr_patch_size
    return (
        build_network("generator", GENERATORS, config.generator, scale=config.scale),
        build_network("discriminator", DISCRIMINATORS, config.discriminator, hr_patch_size=side),
    )


def make_plain_gan_step(generator, discriminator, terms, d_terms):
    """Updates the discriminator, then the generator; each has its own passes over the SR patches.

    There is no check of the gradients and no moving average.

    Args:
        generator: from `plain_networks`; the step updates it.
        discriminator: from `plain_networks`; the step updates it.
        terms: from `gan_terms`.
        d_terms: from `discriminator_terms`.

    Returns:
        Function from `lr` and `hr`, float32 in [0, 1], to the generator's loss.
    """
    g_optimizer, d_optimizer = keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4)
    g_optimizer.build(generator.trainable_variables)
    d_optimizer.build(discriminator.trainable_variables)
    generate = functools.partial(generator, training=True)
    judge = functools.partial(discriminator, training=True)
    # In place of the EMA generator, which some terms need: a pass of the generator costs the same.
    generate_again = functools.partial(generator, training=False)

    def outputs(lr, hr):
        sr = generate(lr)
        positions = tf.random.uniform(tf.shape(hr)[:1])
        return LossInputs(hr, sr, judge(hr), judge(sr), lr, generate_again, judge, positions)

    @tf.function
    def step(lr, hr):
        with tf.GradientTape() as tape:
            d_total, _ = evaluate_terms(d_terms, outputs(lr, hr))
        variables = discriminator.trainable_variables
        d_optimizer.apply(tape.gradient(d_total, variables), variables)
        with tf.GradientTape() as tape:
            total, _ = evaluate_terms(terms, outputs(lr, hr))
        variables = generator.trainable_variables
        g_optimizer.apply(tape.gradient(total, variables), variables)
        return total

    return step
