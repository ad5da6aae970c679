"""Gradient penalties for the discriminator (WGAN-GP, R1)."""

import tensorflow as tf


def gradient_penalty(discriminator, hr, sr, positions):
    """Mean squared deviation of the gradient norm from 1, between real and fake images (Gulrajani et al. 2017, eq. 3).

    Args:
        discriminator: callable from images to logits [batch, ...]; a map of logits is averaged. It must not have batch
            norm, which makes the gradient of an image depend on the other images of the batch.
        hr: real images, float32 [batch, height, width, 3].
        sr: fake images, the same shape; no gradient flows into them.
        positions: [batch], uniform in [0, 1): the interpolation weights, 0 for `sr` and 1 for `hr`.

    Returns:
        float32 scalar.
    """
    positions = tf.reshape(positions, (-1, 1, 1, 1))
    squared_norms = _squared_gradient_norms(discriminator, positions * hr + (1.0 - positions) * tf.stop_gradient(sr))
    # The constant avoids the infinite gradient of the square root at zero.
    return tf.reduce_mean(tf.square(tf.sqrt(squared_norms + 1e-12) - 1.0))


def r1_penalty(discriminator, hr):
    """Half the mean squared gradient norm at real images (Mescheder et al. 2018, eq. 9); its weight is their gamma.

    Args:
        discriminator: callable from images to logits [batch, ...]; a map of logits is averaged.
        hr: real images, float32 [batch, height, width, 3].

    Returns:
        float32 scalar.
    """
    return 0.5 * tf.reduce_mean(_squared_gradient_norms(discriminator, hr))


def _squared_gradient_norms(discriminator, images):
    """Squared Euclidean norm of the gradient of the logit with respect to the image, [batch]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = discriminator(images)
        logits = tf.reduce_mean(tf.reshape(logits, (tf.shape(logits)[0], -1)), axis=1)
    return tf.reduce_sum(tf.square(tape.gradient(logits, images)), axis=(1, 2, 3))
