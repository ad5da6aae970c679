"""What keeps a discriminator's slope in bounds: penalties on its gradient with respect to the picture."""

import tensorflow as tf


def gradient_penalty(discriminator, hr, sr, positions):
    """Mean squared deviation of the slope from 1 between real and fake (Gulrajani et al. 2017 (WGAN-GP), eq. 3).

    Args:
        discriminator: callable from images to logits [batch, ...]; a map of logits counts as its mean. Batch norm would
            make a picture's gradient depend on the others of its batch: not for this penalty.
        hr: real images, float32 [batch, height, width, 3].
        sr: fake ones, the same shape; no gradient flows into them.
        positions: [batch], uniform in [0, 1): where between `sr` (0) and `hr` (1) each slope is taken.

    Returns:
        float32 scalar.
    """
    positions = tf.reshape(positions, (-1, 1, 1, 1))
    slopes = _squared_slopes(discriminator, positions * hr + (1.0 - positions) * tf.stop_gradient(sr))
    # Without the small number the root of a slope of exactly zero has an infinite gradient.
    return tf.reduce_mean(tf.square(tf.sqrt(slopes + 1e-12) - 1.0))


def r1_penalty(discriminator, hr):
    """Half the mean squared slope at real images (Mescheder et al. 2018, eq. 9): its weight is the paper's gamma.

    Args:
        discriminator: callable from images to logits [batch, ...]; a map of logits counts as its mean.
        hr: real images, float32 [batch, height, width, 3].

    Returns:
        float32 scalar.
    """
    return 0.5 * tf.reduce_mean(_squared_slopes(discriminator, hr))


def _squared_slopes(discriminator, images):
    """Squared Euclidean norm of the gradient of each image's logit: [batch]."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(images)
        logits = discriminator(images)
        logits = tf.reduce_mean(tf.reshape(logits, (tf.shape(logits)[0], -1)), axis=1)
    return tf.reduce_sum(tf.square(tape.gradient(logits, images)), axis=(1, 2, 3))
