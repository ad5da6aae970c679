"""Random crops as a function of (seed, step): the batch of any step can be made without those before it."""

import functools

import numpy as np

SAMPLINGS = ("area", "auto", "picture")
_MIXED = 4  # ratio of the areas of the largest and the smallest picture; it is lower in DIV2K


def cumulative_areas(pairs, sampling):
    """Cumulative picture areas, with which `crop_batch` draws pictures in proportion to their size.

    Args:
        pairs: sequence of `Pair`.
        sampling: "area", patches are drawn in proportion to the pictures' numbers of pixels, as from a set that was
            cut into tiles of equal size; "picture", from every picture equally often; "auto", "area" where the largest
            picture has more than 4 times as many pixels as the smallest, else "picture".

    Returns:
        int64 [len(pairs)], cumulative sum of the HR areas; None for "picture".

    Raises:
        ValueError: `sampling` is not one of `SAMPLINGS`.
    """
    if sampling not in SAMPLINGS:
        raise ValueError(f"`sampling` must be one of {', '.join(SAMPLINGS)}. Received: {sampling!r}")
    areas = np.array([pair.hr.shape[0] * pair.hr.shape[1] for pair in pairs], np.int64)
    if sampling == "picture" or (sampling == "auto" and areas.max() <= _MIXED * areas.min()):
        return None
    return areas.cumsum()


def crop_batch(pairs, step, *, batch_size, hr_patch_size, scale, seed, augment=True, areas=None):
    """Cuts the batch of one training step: aligned LR and HR patches at random positions.

    An epoch has as many patches as there are pictures, and the position is uniform over the picture. Without `areas`
    each picture gives one patch per epoch, in a new random order. With `areas` an epoch takes patches at equal
    distances along the pixels of all pictures, from a random start and in a random order (systematic sampling): each
    patch comes from a picture with a probability proportional to its area, and the number of patches from a picture
    in an epoch differs from its expectation by less than one. With pictures of equal size both give the same patches.

    Args:
        pairs: sequence of `Pair`s, arrays or `StoredPicture`s, each HR side at least `hr_patch_size`.
        step: number of the batch, from 0.
        batch_size: patches per batch.
        hr_patch_size: side of the HR patches, a multiple of `scale`.
        scale: HR size over LR size.
        seed: int or tuple of ints.
        augment: rotate and flip each patch to one of its eight symmetries at random.
        areas: from `cumulative_areas`.

    Returns:
        `(lr, hr)`, uint8 [batch_size, side, side, 3], side being `hr_patch_size / scale` and `hr_patch_size`.
    """
    seed = seed if isinstance(seed, tuple) else (seed,)
    lr_patch_size = hr_patch_size // scale
    lr_batch = np.empty((batch_size, lr_patch_size, lr_patch_size, 3), np.uint8)
    hr_batch = np.empty((batch_size, hr_patch_size, hr_patch_size, 3), np.uint8)
    rng = np.random.default_rng((*seed, 0, step))
    for slot, index in enumerate(chosen_pictures(len(pairs), step, batch_size=batch_size, seed=seed, areas=areas)):
        _, lr, hr = pairs[index]
        top = rng.integers(lr.shape[0] - lr_patch_size + 1)
        left = rng.integers(lr.shape[1] - lr_patch_size + 1)
        symmetry = rng.integers(8) if augment else 0
        lr_patch = lr[top : top + lr_patch_size, left : left + lr_patch_size]
        top, left = scale * top, scale * left
        hr_patch = hr[top : top + hr_patch_size, left : left + hr_patch_size]
        turn(lr_patch, symmetry, lr_batch[slot])
        turn(hr_patch, symmetry, hr_batch[slot])
    return lr_batch, hr_batch


def chosen_pictures(count, step, *, batch_size, seed, areas=None):
    """The indices of the pictures that the patches of a batch are cut from; see `crop_batch`.

    Args:
        count: number of pictures.
        step: number of the batch, from 0.
        batch_size: patches per batch.
        seed: tuple of ints.
        areas: from `cumulative_areas`.
    """
    for slot in range(batch_size):
        epoch, position = divmod(step * batch_size + slot, count)
        order, start = _epoch(seed, epoch, count)
        index = int(order[position])
        if areas is not None:
            total = int(areas[-1])
            pixel = (index * total + int(start * total)) // count
            index = int(np.searchsorted(areas, pixel, side="right"))
        yield index


def dihedral(image, symmetry):
    """One of the eight symmetries of the square: a horizontal flip if 4 or more, then `symmetry % 4` quarter turns.

    Args:
        image: [height, width, ...] array.
        symmetry: 0 (as it is) to 7.

    Returns:
        View of the array; height and width are swapped after an odd number of quarter turns.
    """
    return np.rot90(image[:, ::-1] if symmetry >= 4 else image, symmetry % 4)


def turn(patch, symmetry, target):
    """Writes one of the eight symmetries of a patch into `target`, both uint8 [side, side, 3]; see `dihedral`."""
    _pixels(target)[...] = dihedral(_pixels(patch), symmetry)


def _pixels(image):
    """The pixels of a uint8 [height, width, 3] array as [height, width] items: rotated views copy twice as fast."""
    return np.ascontiguousarray(image).view("V3")[..., 0]


@functools.lru_cache(maxsize=4)
def _epoch(seed, epoch, count):
    """The order of an epoch's patches, and a number in [0, 1) where systematic sampling starts."""
    rng = np.random.default_rng((*seed, 1, epoch))
    return rng.permutation(count), rng.random()
