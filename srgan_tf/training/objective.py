"""The losses of each network in each phase: named, weighted terms, according to the settings.

A new term is a weight in `Config.gan` and one line in `gan_terms` or `discriminator_terms`.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.losses.artifacts import artifact_loss
from srgan_tf.losses.colour import colour_loss
from srgan_tf.losses.consistency import lr_consistency
from srgan_tf.losses.dists import dists_loss
from srgan_tf.losses.grid import grid_loss
from srgan_tf.losses.penalties import gradient_penalty, r1_penalty
from srgan_tf.losses.perceptual import perceptual_loss
from srgan_tf.losses.pixel import PIXEL_LOSSES
from srgan_tf.losses.ranking import rank_content_loss
from srgan_tf.losses.structure import ssim_loss
from srgan_tf.losses.total_variation import total_variation


class LossInputs(NamedTuple):
    """Arguments of the loss terms: tensors of one step, and networks. The pretrain phase has only `hr` and `sr`.

    Attributes:
        hr: images, float32 [batch, height, width, 3] in [0, 1].
        sr: the generator's output, the same shape.
        real_logits: the discriminator's logits of `hr`.
        fake_logits: the discriminator's logits of `sr`.
        lr: the generator's input.
        generator_ema: the averaged generator, a callable from `lr` to images.
        discriminator: a callable from images to logits, in training mode.
        positions: float32 [batch], random numbers in [0, 1) for the gradient penalty.
        features: VGG19 features of `hr` and `sr`, filled by the first term that needs them; None to compute them for
            each term.
        corner: float32 [2], random numbers in [0, 1) for the square that the perceptual loss sees, on the host.
    """

    hr: tf.Tensor
    sr: tf.Tensor
    real_logits: tf.Tensor | None = None
    fake_logits: tf.Tensor | None = None
    lr: tf.Tensor | None = None
    generator_ema: Callable | None = None
    discriminator: Callable | None = None
    positions: tf.Tensor | None = None
    features: dict[str, dict[str, tf.Tensor]] | None = None
    corner: tf.Tensor | None = None


class Term(NamedTuple):
    """A weight, and a function from `LossInputs` to a float32 scalar."""

    weight: float
    function: Callable[[LossInputs], tf.Tensor]


def pretrain_terms(pretrain):
    """The terms of the pretrain phase, by name; `pretrain` are the settings of `Config.pretrain`."""
    loss = PIXEL_LOSSES[pretrain.loss]
    terms = {
        "pixel": Term(1.0, lambda outputs: loss(outputs.hr, outputs.sr)),
        "ssim": Term(pretrain.ssim_weight, lambda outputs: ssim_loss(outputs.hr, outputs.sr)),
    }
    return {name: term for name, term in terms.items() if term.weight > 0}


def gan_terms(gan, features=None, ranker=None):
    """The generator's terms of the GAN phase, by name; those of weight zero are left out.

    Args:
        gan: the settings of `Config.gan`.
        features: the VGG19 extractor for `gan.perceptual` and DISTS; needed when one of their weights is not zero.
        ranker: callable from images to scores, for `gan.ranker`; needed when `rank_weight` is not zero.
    """
    pixel = PIXEL_LOSSES[gan.pixel]
    adversarial = ADVERSARIAL_LOSSES[gan.adversarial].generator
    terms = {
        "pixel": Term(gan.pixel_weight, lambda outputs: pixel(outputs.hr, outputs.sr)),
        "ssim": Term(gan.ssim_weight, lambda outputs: ssim_loss(outputs.hr, outputs.sr)),
        "perceptual": _perceptual_term(gan.perceptual_weight, gan.perceptual, features),
        "dists": Term(
            gan.dists_weight, lambda outputs: dists_loss(outputs.hr, outputs.sr, _shared_features(outputs, features))
        ),
        "adversarial": Term(
            gan.adversarial_weight, lambda outputs: adversarial(outputs.real_logits, outputs.fake_logits)
        ),
        "total_variation": Term(gan.total_variation_weight, lambda outputs: total_variation(outputs.sr)),
        "artifact": Term(
            gan.artifact_weight,
            lambda outputs: artifact_loss(outputs.hr, outputs.sr, outputs.generator_ema(outputs.lr)),
        ),
        "lr_consistency": Term(gan.lr_consistency_weight, lambda outputs: lr_consistency(outputs.lr, outputs.sr)),
        "colour": Term(gan.colour_weight, lambda outputs: colour_loss(outputs.hr, outputs.sr)),
        "grid": Term(
            gan.grid_weight,
            lambda outputs: grid_loss(outputs.hr, outputs.sr, outputs.hr.shape[1] // outputs.lr.shape[1]),
        ),
        "rank": Term(gan.rank_weight, lambda outputs: rank_content_loss(ranker(outputs.sr))),
    }
    return {name: term for name, term in terms.items() if term.weight > 0}


def diffusion_terms(config, features=None):
    """The terms of the diffusion phase beside the distance of its estimate, by name; those of weight zero are left out.

    Args:
        config: a `Config`.
        features: the VGG19 extractor for `gan.perceptual`; needed when `diffusion.perceptual_weight` is not zero.
    """
    terms = {"perceptual": _perceptual_term(config.diffusion.perceptual_weight, config.gan.perceptual, features)}
    return {name: term for name, term in terms.items() if term.weight > 0}


def discriminator_terms(gan):
    """The discriminator's terms, by name; penalties of weight zero are left out.

    Args:
        gan: the settings of `Config.gan`.
    """
    adversarial = ADVERSARIAL_LOSSES[gan.adversarial].discriminator

    def penalty(outputs):
        return gradient_penalty(outputs.discriminator, outputs.hr, outputs.sr, outputs.positions)

    terms = {
        "adversarial": Term(1.0, lambda outputs: adversarial(outputs.real_logits, outputs.fake_logits)),
        "gradient_penalty": Term(gan.gradient_penalty_weight, penalty),
        "r1": Term(gan.r1_weight, lambda outputs: r1_penalty(outputs.discriminator, outputs.hr)),
    }
    return {name: term for name, term in terms.items() if term.weight > 0}


def perceptual_function(perceptual, features):
    """The perceptual loss as a function of `LossInputs`, from `Config.gan.perceptual` and a VGG19 extractor."""

    def function(outputs):
        return perceptual_loss(
            outputs.hr,
            outputs.sr,
            _shared_features(outputs, features),
            layer_weights=perceptual.layers,
            distance=perceptual.distance,
            feature_scale=perceptual.feature_scale,
        )

    return function


def _shared_features(outputs, features):
    """The extractor; terms of the same `outputs` share its results for `hr` and `sr`."""
    if outputs.features is None:
        return features

    def extract(image):
        name = "hr" if image is outputs.hr else "sr"
        if name not in outputs.features:
            outputs.features[name] = features(image)
        return outputs.features[name]

    return extract


def _perceptual_term(weight, settings, features):
    """The perceptual loss of training: of a random square of the patches if the settings have a `crop_size`."""
    perceptual = perceptual_function(settings, features)
    return Term(weight, lambda outputs: perceptual(_random_square(outputs, settings.crop_size)))


def _random_square(outputs, size):
    """The inputs with images cropped to one random square, the same for all; unchanged if `size` is 0.

    The features of the squares are not shared with terms that see the whole patches.
    """
    side = outputs.hr.shape[1]
    if size in (0, side):
        return outputs
    with tf.device("CPU:0"):  # positions of slices are on the host
        top, left = tf.unstack(tf.cast(outputs.corner * (side - size + 1), tf.int32))
        begin, extent = tf.stack([0, top, left, 0]), tf.constant([-1, size, size, -1])

    def crop(image):
        return tf.ensure_shape(tf.slice(image, begin, extent), (None, size, size, 3))

    return outputs._replace(hr=crop(outputs.hr), sr=crop(outputs.sr), features=None)


def evaluate_terms(terms, outputs):
    """The weighted sum of the terms, and the value of each term before its weight.

    Returns:
        `(total, values)`: a float32 scalar, and a dictionary of scalars with the names of `terms`.
    """
    outputs = outputs._replace(features={})
    values = {name: term.function(outputs) for name, term in terms.items()}
    return tf.add_n([terms[name].weight * value for name, value in values.items()]), values
