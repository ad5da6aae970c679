"""Scalars that a training step reports beside the gradient norms, by tag."""

import tensorflow as tf

from srgan_tf.training import names


def generator_scalars(total, values, hr, sr):
    """The generator's loss, its terms before their weights, and the share of saturated pixels.

    Args:
        total: the weighted sum of the terms.
        values: scalars by the names of the terms.
        hr: images, float32 [batch, height, width, 3] in [0, 1].
        sr: the generator's images, the same shape.
    """
    return _loss_scalars(names.GENERATOR, total, values) | {
        # Relative to the HR images, which may have black and white areas too.
        names.SATURATED: _share((sr <= 0.0) | (sr >= 1.0)) - _share((hr <= 0.0) | (hr >= 1.0)),
    }


def discriminator_scalars(total, values, real_logits, fake_logits):
    """The discriminator's loss, its terms before their weights, mean logits and accuracies.

    Args:
        total: the weighted sum of the terms.
        values: scalars by the names of the terms.
        real_logits: logits of the HR images, float32 [batch, ...].
        fake_logits: logits of the generator's images, the same shape.
    """
    real_mean, fake_mean = tf.reduce_mean(real_logits), tf.reduce_mean(fake_logits)
    return _loss_scalars(names.DISCRIMINATOR, total, values) | {
        names.REAL_LOGITS: real_mean,
        names.FAKE_LOGITS: fake_mean,
        # Compared with the mean logit of the other class: comparable between all adversarial losses.
        names.REAL_ACCURACY: _share(real_logits > fake_mean),
        names.FAKE_ACCURACY: _share(fake_logits < real_mean),
    }


def _loss_scalars(network, total, values):
    return {names.loss_tag(network): total} | {names.loss_tag(network, term): value for term, value in values.items()}


def _share(condition):
    return tf.reduce_mean(tf.cast(condition, tf.float32))
