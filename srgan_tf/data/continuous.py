"""Training batches at a random factor, for continuous generators.

The factor is drawn for each batch, and the shapes are the same for all: LR patches of one size, and HR values at some
rows and columns of the patch, drawn at random. So one compiled step serves every factor.
"""

import functools
import math

import numpy as np
import tensorflow as tf

from srgan_tf.data.crops import chosen_pictures, dihedral
from srgan_tf.data.pipeline import TrainingPictures, load_pairs
from srgan_tf.images.pixels import to_float
from srgan_tf.images.positions import axis_positions, first_output
from srgan_tf.images.resize import resize_matrix

# LR pixels around a patch: its own pixels are then those of a larger picture. Bicubic reaches two of them.
_MARGIN = 3


class ContinuousPictures(TrainingPictures):
    """`TrainingPictures` whose batches have random factors.

    Args:
        pairs: as for `TrainingPictures`, each HR side at least `scale` times that of the LR patches and 6 pixels more.
        min_scale: the smallest factor; the largest is `scale`.
        contiguous: HR is a patch of neighbouring pixels, for networks that see more than single pixels, and LR patches
            are large enough for that at every factor.
        **options: the arguments of `TrainingPictures`; `degradation` must be "bicubic".
    """

    def __init__(self, pairs, *, min_scale, contiguous=False, **options):
        super().__init__(pairs, **options)
        self._min_scale = min_scale
        self._contiguous = contiguous

    @classmethod
    def load(cls, sources, *, hr_patch_size, scale, min_scale, contiguous=False, store="auto", cache="", **options):
        """See `TrainingPictures.load`."""
        side = scale * (lr_patch_size(hr_patch_size, scale, min_scale, contiguous) + 2 * _MARGIN)
        pairs = load_pairs(sources, min_hr_side=side, store=store, cache=cache)
        options |= {"hr_patch_size": hr_patch_size, "scale": scale}
        return cls(pairs, min_scale=min_scale, contiguous=contiguous, **options)

    def batches(self, first_step, last_step, seed):
        """Batches of the training steps `first_step` to `last_step - 1`, functions of `seed` and their step.

        Returns:
            tf.data.Dataset of `((lr, rows, columns), hr)`, float32: `lr` [batch_size, side, side, 3] in [0, 1],
            positions [batch_size, n, 4] (see `images.positions.axis_positions`), `hr` [batch_size, n, n, 3] in [0, 1];
            `side` is from `lr_patch_size` and n is `hr_patch_size / 2`.
        """
        size, samples = self._batch_size, self._hr_patch_size // 2
        side = lr_patch_size(self._hr_patch_size, self._scale, self._min_scale, self._contiguous)

        def cut(step):
            return continuous_batch(
                self,
                int(step),
                batch_size=size,
                lr_side=side,
                samples=samples,
                scales=(self._min_scale, self._scale),
                seed=seed if isinstance(seed, tuple) else (seed,),
                augment=self._augment,
                areas=self._areas,
                contiguous=self._contiguous,
            )

        def make_batch(step):
            types = (tf.uint8, tf.float32, tf.float32, tf.uint8)
            lr, rows, columns, hr = tf.numpy_function(cut, [step], types, stateful=False)
            lr.set_shape((size, side, side, 3))
            hr.set_shape((size, samples, samples, 3))
            for positions in (rows, columns):
                positions.set_shape((size, samples, 4))
            return (to_float(lr), rows, columns), to_float(hr)

        batches = tf.data.Dataset.range(first_step, last_step).map(make_batch, num_parallel_calls=2)
        return batches.prefetch(tf.data.AUTOTUNE)


def lr_patch_size(hr_patch_size, scale, min_scale, contiguous):
    """The side of LR patches, pixels: `hr_patch_size / scale`, or what half of `hr_patch_size` needs at `min_scale`."""
    return math.ceil(hr_patch_size // 2 / min_scale) + 1 if contiguous else hr_patch_size // scale


def continuous_batch(
    pairs, step, *, batch_size, lr_side, samples, scales, seed, augment=True, areas=None, contiguous=False
):
    """The batch of one training step: LR patches of one random factor, and HR at random rows and columns.

    An HR crop is rounded to whole pixels and downscaled by MATLAB-like bicubic, rounded to uint8. The LR patch is its
    interior. The rows and columns are drawn without repetition among the HR pixels of the patch, as far as there are
    enough, and are the same for all patches of a batch.

    Args:
        pairs: sequence of `Pair`s, each HR side at least `(lr_side + 6) * scales[1]`.
        step: number of the batch, from 0.
        batch_size: patches per batch.
        lr_side: side of the LR patches, pixels.
        samples: number of rows and of columns.
        scales: (lowest, highest) factor; uniformly distributed between them.
        seed: tuple of ints.
        augment: rotate and flip each patch to one of its eight symmetries at random.
        areas: from `crops.cumulative_areas`.
        contiguous: the rows and columns are neighbours, starting at a random place.

    Returns:
        `(lr, rows, columns, hr)`: uint8 [batch_size, lr_side, lr_side, 3]; float32 positions [batch_size, samples, 4]
        twice; uint8 [batch_size, samples, samples, 3].
    """
    rng = np.random.default_rng((*seed, 0, step))
    wide = lr_side + 2 * _MARGIN
    hr_wide = max(wide, round(wide * rng.uniform(*scales)))
    crops = np.empty((batch_size, hr_wide, hr_wide, 3), np.uint8)
    for slot, index in enumerate(chosen_pictures(len(pairs), step, batch_size=batch_size, seed=seed, areas=areas)):
        hr = pairs[index].hr
        top, left = (rng.integers(length - hr_wide + 1) for length in hr.shape[:2])
        crop = np.asarray(hr[top : top + hr_wide, left : left + hr_wide])
        crops[slot] = dihedral(crop, rng.integers(8) if augment else 0)
    lr = downscaled(crops, wide)[:, _MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    first, last = (first_output(index, wide, hr_wide) for index in (_MARGIN, _MARGIN + lr_side))
    if contiguous:
        starts = rng.integers(first, last - samples + 1, 2)
        chosen = [np.arange(start, start + samples) for start in starts]
    else:
        chosen = [np.sort(_draw(rng, first, last, samples)) for _ in range(2)]
    rows, columns = (axis_positions(wide, hr_wide, outputs) - np.float32((_MARGIN, 0, 0, 0)) for outputs in chosen)
    hr = crops[:, chosen[0]][:, :, chosen[1]]
    rows, columns = (np.broadcast_to(positions, (batch_size, *positions.shape)) for positions in (rows, columns))
    return np.ascontiguousarray(lr), rows, columns, hr


def downscaled(images, side):
    """`imresize` of square uint8 images [batch, n, n, 3] to [batch, side, side, 3], as matrix products."""
    matrix = _matrix(images.shape[1], side)
    rows = _rounded(np.tensordot(images.astype(np.float32), matrix, (1, 1)))  # [batch, n, 3, side]
    return _rounded(np.tensordot(rows, matrix, (1, 1))).transpose(0, 2, 3, 1).astype(np.uint8)


@functools.lru_cache(maxsize=256)
def _matrix(in_size, out_size):
    return resize_matrix(in_size, out_size).astype(np.float32)


def _rounded(levels):
    return np.clip(np.floor(levels + np.float32(0.5)), 0, 255)


def _draw(rng, first, last, count):
    """`count` integers from `first` to `last - 1`, each as often as the others, give or take one."""
    repeated = np.tile(np.arange(first, last), -(-count // (last - first)) - 1)
    return np.concatenate([repeated, rng.choice(np.arange(first, last), count - len(repeated), replace=False)])
