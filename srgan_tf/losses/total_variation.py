"""A smoothness prior on pictures."""

import tensorflow as tf


def total_variation(image):
    """Mean squared difference of neighbouring pixels, twice: the form of the EN3160 project report.

    The squared differences of each direction are summed over a picture and divided by that direction's own count of
    (channels, rows, columns); the two are added, doubled, and averaged over the batch. (`tf.image.total_variation` is
    another quantity: a sum of absolute differences.)

    Args:
        image: [batch, height, width, channels], at least 2x2.

    Returns:
        float32 scalar.
    """
    vertical = tf.reduce_mean(tf.square(image[:, 1:] - image[:, :-1]))
    horizontal = tf.reduce_mean(tf.square(image[:, :, 1:] - image[:, :, :-1]))
    return 2.0 * (vertical + horizontal)
