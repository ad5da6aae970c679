"""Adversarial losses on logits, for the generator and for the discriminator.

`ADVERSARIAL_LOSSES` at the end lists the values of `gan.adversarial`. To add an objective, write two functions of
`(real_logits, fake_logits)` and add a line there.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class AdversarialLoss(NamedTuple):
    """Two functions of `(real_logits, fake_logits)`, each [batch, ...], that return a scalar to minimise."""

    generator: Callable
    discriminator: Callable


def vanilla_generator(real_logits, fake_logits):
    """-log D(G(lr)): the non-saturating form (Goodfellow et al. 2014, section 3; Ledig et al. 2017, eq. 6)."""
    del real_logits  # only relativistic objectives use them
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def vanilla_discriminator(real_logits, fake_logits):
    """-log D(hr) - log(1 - D(G(lr))): binary cross-entropy; the real and the fake term are added."""
    return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


def relativistic_generator(real_logits, fake_logits):
    """`relativistic_discriminator` with real and fake exchanged (Wang et al. 2018 (ESRGAN), eq. 2)."""
    return relativistic_discriminator(fake_logits, real_logits)


def relativistic_discriminator(real_logits, fake_logits):
    """Relativistic average loss: binary cross-entropy of each logit minus the mean logit of the other class.

    Jolicoeur-Martineau 2019, as in Wang et al. 2018 (ESRGAN), eq. 1. In a replica of a `tf.distribute.Strategy`, the
    mean logits are those of all replicas.
    """
    real_margin = real_logits - _mean_over_replicas(fake_logits)
    fake_margin = fake_logits - _mean_over_replicas(real_logits)
    return vanilla_discriminator(real_margin, fake_margin)


def least_squares_generator(real_logits, fake_logits):
    """Half the mean squared distance of fake logits from 1 (Mao et al. 2017 (LSGAN), eq. 9)."""
    del real_logits
    return 0.5 * tf.reduce_mean(tf.square(fake_logits - 1.0))


def least_squares_discriminator(real_logits, fake_logits):
    """Half the mean squared distances of real logits from 1 and of fake logits from 0 (Mao et al. 2017, eq. 9)."""
    return 0.5 * (tf.reduce_mean(tf.square(real_logits - 1.0)) + tf.reduce_mean(tf.square(fake_logits)))


def hinge_discriminator(real_logits, fake_logits):
    """Hinge loss with margins 1 (real) and -1 (fake) (Lim & Ye 2017; Miyato et al. 2018, eq. 16)."""
    return tf.reduce_mean(tf.nn.relu(1.0 - real_logits)) + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))


def critic_generator(real_logits, fake_logits):
    """-D(G(lr)), unbounded (Arjovsky et al. 2017 (WGAN); also used with the hinge loss, eq. 17)."""
    del real_logits
    return -tf.reduce_mean(fake_logits)


def critic_discriminator(real_logits, fake_logits):
    """D(G(lr)) - D(hr) (Arjovsky et al. 2017 (WGAN), algorithm 1).

    It estimates the Wasserstein distance only if the critic's gradient norm is bounded: by clipped weights
    (`gan.clip_weights`) or by `penalties.gradient_penalty` (Gulrajani et al. 2017 (WGAN-GP), eq. 3).
    """
    return tf.reduce_mean(fake_logits) - tf.reduce_mean(real_logits)


def _mean_over_replicas(logits):
    """The mean logit of the whole batch; its gradient flows back to every replica."""
    mean = tf.reduce_mean(logits)
    replica = tf.distribute.get_replica_context()
    if replica is None or replica.num_replicas_in_sync == 1:
        return mean
    return replica.all_reduce(tf.distribute.ReduceOp.MEAN, mean)


ADVERSARIAL_LOSSES = {
    "vanilla": AdversarialLoss(vanilla_generator, vanilla_discriminator),
    "ra": AdversarialLoss(relativistic_generator, relativistic_discriminator),
    "lsgan": AdversarialLoss(least_squares_generator, least_squares_discriminator),
    "hinge": AdversarialLoss(critic_generator, hinge_discriminator),
    "wgan": AdversarialLoss(critic_generator, critic_discriminator),
    "wgan_gp": AdversarialLoss(critic_generator, critic_discriminator),
}
