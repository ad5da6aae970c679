"""Adversarial objectives on logits, a generator's and a discriminator's side of each.

`ADVERSARIAL_LOSSES` at the end is the table of names that `gan.adversarial` can take. A new objective is two functions
of `(real_logits, fake_logits)` and one line there.
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
    del real_logits  # relativistic objectives use it, this one does not
    return tf.reduce_mean(tf.nn.softplus(-fake_logits))


def vanilla_discriminator(real_logits, fake_logits):
    """-log D(hr) - log(1 - D(G(lr))): binary cross-entropy, real pictures' and fakes' added, not averaged."""
    return tf.reduce_mean(tf.nn.softplus(-real_logits)) + tf.reduce_mean(tf.nn.softplus(fake_logits))


ADVERSARIAL_LOSSES = {"vanilla": AdversarialLoss(vanilla_generator, vanilla_discriminator)}
