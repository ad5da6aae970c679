"""Total variation, a smoothness prior on images."""

import tensorflow as tf


def total_variation(image):
    """Twice the mean squared difference of neighbouring pixels, in the form of the EN3160 project report.

    The squared differences are averaged for each direction separately; the two means are added and doubled.
    (`tf.image.total_variation` is a sum of absolute differences.)

    Args:
        image: [batch, height, width, channels], at least 2x2.

    Returns:
        float32 scalar.
    """
    vertical = tf.reduce_mean(tf.square(image[:, 1:] - image[:, :-1]))
    horizontal = tf.reduce_mean(tf.square(image[:, :, 1:] - image[:, :, :-1]))
    return 2.0 * (vertical + horizontal)
