"""What the generator minimises in each phase: named, weighted terms of the losses that the settings ask for."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.losses.perceptual import perceptual_loss
from srgan_tf.losses.pixel import PIXEL_LOSSES
from srgan_tf.losses.total_variation import total_variation


class Outputs(NamedTuple):
    """What a step has made: images float32 [batch, height, width, 3] in [0, 1], and logits in the GAN phase."""

    hr: tf.Tensor
    sr: tf.Tensor
    real_logits: tf.Tensor | None = None
    fake_logits: tf.Tensor | None = None


class Term(NamedTuple):
    """A weight, and a function from `Outputs` to a float32 scalar."""

    weight: float
    function: Callable[[Outputs], tf.Tensor]


def pretrain_terms(pretrain):
    """The one term of the pretrain phase, by its name; `pretrain` are the settings of `Config.pretrain`."""
    loss = PIXEL_LOSSES[pretrain.loss]
    return {"pixel": Term(1.0, lambda outputs: loss(outputs.hr, outputs.sr))}


def gan_terms(gan, features=None):
    """The generator's terms of the GAN phase, by name; those of weight zero are left out.

    Args:
        gan: the settings of `Config.gan`.
        features: the VGG19 extractor for `gan.perceptual`; needed when its weight is not zero.
    """
    pixel = PIXEL_LOSSES[gan.pixel]
    adversarial = ADVERSARIAL_LOSSES[gan.adversarial].generator

    terms = {
        "pixel": Term(gan.pixel_weight, lambda outputs: pixel(outputs.hr, outputs.sr)),
        "perceptual": Term(gan.perceptual_weight, perceptual_function(gan.perceptual, features)),
        "adversarial": Term(
            gan.adversarial_weight, lambda outputs: adversarial(outputs.real_logits, outputs.fake_logits)
        ),
        "total_variation": Term(gan.total_variation_weight, lambda outputs: total_variation(outputs.sr)),
    }
    return {name: term for name, term in terms.items() if term.weight > 0}


def perceptual_function(perceptual, features):
    """The perceptual loss of the settings `Config.gan.perceptual`, by a VGG19 extractor: a function of `Outputs`."""

    def function(outputs):
        return perceptual_loss(
            outputs.hr,
            outputs.sr,
            features,
            layer_weights=perceptual.layers,
            distance=perceptual.distance,
            feature_scale=perceptual.feature_scale,
        )

    return function


def evaluate_terms(terms, outputs):
    """The weighted sum of the terms, and each term's own value before its weight.

    Returns:
        `(total, values)`: a float32 scalar, and a dictionary of scalars with the names of `terms`.
    """
    values = {name: term.function(outputs) for name, term in terms.items()}
    return tf.add_n([terms[name].weight * value for name, value in values.items()]), values
