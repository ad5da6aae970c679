"""RankSRGAN's first stage: patches of several models' results, labelled by a score, and a ranker trained on them."""

import logging
import time
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from srgan_tf.config.sections import LearningRate, Optimizer
from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.evaluation.scoring import upscale
from srgan_tf.files import atomic_write
from srgan_tf.losses.ranking import ranking_loss
from srgan_tf.training.optimizers import make_optimizer

_log = logging.getLogger(__name__)


class RankedPatches(NamedTuple):
    """The same places in the pictures of several models.

    Attributes:
        patches: uint8 [places, models, side, side, 3].
        labels: float64 [places, models], lower is better.
    """

    patches: np.ndarray
    labels: np.ndarray


def rank_patches(upscalers, source, label, *, patch_size, places, seed):
    """Upscales each picture with each model, cuts the same random places of the results and labels them.

    Args:
        upscalers: two or more `Upscaler` of one scale.
        source: `Source` of pairs of that scale; of a pair only LR is used.
        label: function from a uint8 picture to a float, lower is better, such as NIQE. A place where it raises
            ValueError for one of the models (NIQE does on flat ones) is left out.
        patch_size: side of the square patches, pixels of SR.
        places: how many places are tried, evenly over the pictures.
        seed: of the places.

    Returns:
        `RankedPatches`.

    Raises:
        WorkError: no place had a label for every model.
    """
    patches, labels, small = [], [], 0
    for index, pair in enumerate(source):
        count = places * (index + 1) // len(source) - places * index // len(source)
        pictures = [upscale(upscaler, pair.lr) for upscaler in upscalers] if count else []
        if count and min(pictures[0].shape[:2]) < patch_size:
            small += 1
            continue
        rng = np.random.default_rng((seed, index))
        for _ in range(count):
            top, left = (rng.integers(size - patch_size + 1) for size in pictures[0].shape[:2])
            cut = [picture[top : top + patch_size, left : left + patch_size] for picture in pictures]
            try:
                labels.append([label(patch) for patch in cut])
            except ValueError:
                continue
            patches.append(cut)
        if (index + 1) % 10 == 0:
            _log.info("%d of %d pictures, %d places", index + 1, len(source), len(patches))
    if small:
        _log.warning("%d pictures of %s are smaller than %d pixels", small, source.name, patch_size)
    if not patches:
        raise WorkError(f"no place of {source.name} could be labelled: {places} tried, {small} pictures too small")
    return RankedPatches(np.array(patches), np.array(labels))


def join(parts):
    """Several `RankedPatches` of the same models as one."""
    return RankedPatches(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def train_ranker(ranker, ranked, held_out, *, crop_size, steps, batch_size, learning_rate, seed):
    """Trains a ranker on pairs of patches: one place, two models, the better one to get the lower score.

    As in the authors' settings (Zhang et al. 2019): Adam with a weight decay of 1e-4, the learning rate halved at a
    quarter and at a half of the steps. Random crops of the labelled patches, so that the ranker is trained on the size
    that it judges in the GAN phase, and NIQE still has enough pixels for a label.

    Args:
        ranker: from `ranker_network`; changed in place.
        ranked: `RankedPatches` to learn from.
        held_out: `RankedPatches` of other pictures.
        crop_size: side of the random crops in pixels, at most that of the patches.
        steps: training steps.
        batch_size: pairs a step.
        learning_rate: the first.
        seed: of the pairs.

    Returns:
        Accuracy on the middle crops of `held_out`, see `pair_accuracy`.
    """
    held_out = held_out._replace(patches=_middle(held_out.patches, crop_size))
    done = tf.Variable(0, dtype=tf.int64, trainable=False)
    optimizer = make_optimizer(
        LearningRate(initial=learning_rate, decay="step", milestones=(0.25, 0.5), factor=0.5),
        steps,
        ranker.trainable_variables,
        done,
        Optimizer(weight_decay=1e-4),
    )

    @tf.function
    def train_step(better, worse):
        with tf.GradientTape() as tape:
            # Together, so that both kinds have the same batch statistics.
            scores = ranker(tf.cast(tf.concat([better, worse], 0), tf.float32) / 255.0, training=True)
            loss = ranking_loss(*tf.split(scores, 2))
        optimizer.apply(tape.gradient(loss, ranker.trainable_variables), ranker.trainable_variables)
        done.assign_add(1)
        return loss

    losses, begin = [], time.perf_counter()
    for step in range(1, steps + 1):
        losses.append(train_step(*_pairs(ranked, np.random.default_rng((seed, step)), batch_size, crop_size)))
        if step % max(steps // 10, 1) == 0:
            loss = np.mean([float(loss) for loss in losses])
            if not np.isfinite(loss):
                raise WorkError(f"the ranker's training diverged by step {step}: loss {loss}")
            seconds = (time.perf_counter() - begin) / step
            accuracy = pair_accuracy(ranker, held_out)
            _log.info(
                "step %d of %d: loss %.4f, held-out pairs in order %.3f, %.2f s a step",
                *(step, steps, loss, accuracy, seconds),
            )
            losses = []
    return pair_accuracy(ranker, held_out)


def pair_accuracy(ranker, ranked):
    """Share of the pairs of patches of one place whose scores are in the order of their labels; guessing gives 0.5."""
    models = ranked.labels.shape[1]
    scores = np.stack(
        [ranker(patches.astype(np.float32) / 255.0, training=False).numpy()[:, 0] for patches in ranked.patches]
    )
    right = [
        np.sign(scores[:, first] - scores[:, second]) == np.sign(ranked.labels[:, first] - ranked.labels[:, second])
        for first in range(models)
        for second in range(first)
    ]
    return float(np.mean(right))


def save_ranker(ranker, path):
    """Writes the `.keras` file that `gan.ranker` names."""
    with atomic_write(path) as unfinished:
        ranker.save(unfinished)


def load_ranker(path):
    """Loads a file of `save_ranker`, frozen.

    Raises:
        UserError: no such file, or another kind of network.
    """
    try:
        ranker = keras.saving.load_model(path, compile=False)
    except Exception as error:  # Keras raises of many kinds on a file that is not its own
        raise UserError(
            f"gan.ranker={path!r} is not a ranker ({first_line(error)}); srgan-tf rank makes one"
        ) from error
    if ranker.input_shape != (None, None, None, 3) or ranker.output_shape != (None, 1):
        raise UserError(f"gan.ranker={path!r} is not a ranker: it maps {ranker.input_shape} to {ranker.output_shape}")
    ranker.trainable = False
    return ranker


def _pairs(ranked, rng, batch_size, crop_size):
    """A batch of (better, worse) crops, each pair cut, mirrored and turned at random; random places and models."""
    count, models = ranked.labels.shape
    places = rng.integers(count, size=batch_size)
    first = rng.integers(models, size=batch_size)
    second = (first + rng.integers(1, models, size=batch_size)) % models
    swap = ranked.labels[places, first] > ranked.labels[places, second]
    better, worse = np.where(swap, second, first), np.where(swap, first, second)
    pairs = [
        _augment(ranked.patches[place, [one, other]], rng, crop_size)
        for place, one, other in zip(places, better, worse, strict=True)
    ]
    return tuple(np.stack(pairs, axis=1))


def _augment(patches, rng, crop_size):
    """The same random crop, mirroring and turn of several patches, [n, side, side, 3]."""
    top, left = rng.integers(patches.shape[1] - crop_size + 1, size=2)
    patches = patches[:, top : top + crop_size, left : left + crop_size]
    if rng.integers(2):
        patches = patches[:, :, ::-1]
    return np.rot90(patches, rng.integers(4), axes=(1, 2))


def _middle(patches, side):
    """The middle of patches, [..., height, width, 3]."""
    top, left = ((size - side) // 2 for size in patches.shape[-3:-1])
    return patches[..., top : top + side, left : left + side, :]
