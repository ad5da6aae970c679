"""Random crops as a function of (seed, step): any step's batch can be had without making those before it."""

import functools

import numpy as np


def crop_batch(pairs, step, *, batch_size, hr_patch_size, scale, seed, augment=True):
    """Cuts the batch of one training step: aligned LR and HR patches at random places.

    Pictures come in a new random order every epoch, each once an epoch; the place is uniform over the picture. With
    `augment` each patch is also turned and mirrored into one of its eight symmetries.

    Args:
        pairs: sequence of `Pair`s, arrays or `StoredPicture`s, each HR side at least `hr_patch_size`.
        step: number of the batch, from 0.
        batch_size: patches.
        hr_patch_size: side of the HR patches, a multiple of `scale`.
        scale: HR size over LR size.
        seed: int or tuple of ints.
        augment: False leaves the patches as they lie.

    Returns:
        `(lr, hr)`, uint8 [batch_size, side, side, 3], side being `hr_patch_size / scale` and `hr_patch_size`.
    """
    seed = seed if isinstance(seed, tuple) else (seed,)
    lr_patch_size = hr_patch_size // scale
    lr_batch = np.empty((batch_size, lr_patch_size, lr_patch_size, 3), np.uint8)
    hr_batch = np.empty((batch_size, hr_patch_size, hr_patch_size, 3), np.uint8)
    rng = np.random.default_rng((*seed, 0, step))
    for slot in range(batch_size):
        epoch, position = divmod(step * batch_size + slot, len(pairs))
        _, lr, hr = pairs[_epoch_order(seed, epoch, len(pairs))[position]]
        top = rng.integers(lr.shape[0] - lr_patch_size + 1)
        left = rng.integers(lr.shape[1] - lr_patch_size + 1)
        symmetry = rng.integers(8) if augment else 0
        lr_patch = lr[top : top + lr_patch_size, left : left + lr_patch_size]
        top, left = scale * top, scale * left
        hr_patch = hr[top : top + hr_patch_size, left : left + hr_patch_size]
        _pixels(lr_batch[slot])[...] = dihedral(_pixels(lr_patch), symmetry)
        _pixels(hr_batch[slot])[...] = dihedral(_pixels(hr_patch), symmetry)
    return lr_batch, hr_batch


def dihedral(image, symmetry):
    """One of the eight symmetries of the square: mirrored left to right if 4 or more, then `symmetry % 4` turns.

    Args:
        image: [height, width, ...] array.
        symmetry: 0 (as it is) to 7.

    Returns:
        View of the array; height and width change places after an odd number of turns.
    """
    return np.rot90(image[:, ::-1] if symmetry >= 4 else image, symmetry % 4)


def _pixels(image):
    """The pixels of a uint8 [height, width, 3] array as [height, width] items: turned, they copy twice as fast."""
    return np.ascontiguousarray(image).view("V3")[..., 0]


@functools.lru_cache(maxsize=4)
def _epoch_order(seed, epoch, count):
    return np.random.default_rng((*seed, 1, epoch)).permutation(count)
