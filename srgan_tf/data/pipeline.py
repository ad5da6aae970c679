"""From sources to batches: pictures decoded once, into memory or onto disk, then a tf.data pipeline of random crops."""

import functools
import logging

import numpy as np
import tensorflow as tf

from srgan_tf.data.crops import crop_batch
from srgan_tf.data.degradations import DEGRADATIONS
from srgan_tf.data.progress import with_progress
from srgan_tf.data.store import default_cache, stored_pairs
from srgan_tf.errors import UserError
from srgan_tf.hardware import free_memory
from srgan_tf.images.pixels import to_float, to_uint8

# Pictures may take this share of the free memory: the rest is for the program, and for what else the machine does.
_MEMORY_SHARE = 0.5

_LR_MARGIN = 8  # pixels of LR

_log = logging.getLogger(__name__)


def load_pairs(sources, *, min_hr_side=1, store="auto", cache=""):
    """Decodes every pair of some sources, into memory or into a store on disk that later runs use again.

    Args:
        sources: iterable of `Source`s of `Loader`s.
        min_hr_side: pictures with a shorter HR side, pixels, are left out, and their number is logged.
        store: "memory"; "disk"; or "auto", which is memory if the pictures take at most half of what is free there.
        cache: folder of the stores on disk; "" is `srgan_tf` in the user's cache folder.

    Returns:
        List of `Pair`. Pictures in memory are uint8 arrays; those on disk are `StoredPicture`s, of which any part can
        be had.

    Raises:
        UserError: not one picture is large enough, or "memory" is asked for where there is too little.
        WorkError: a picture cannot be read, or a store cannot be written.
    """
    sources = list(sources)
    if store != "disk":
        store = _choose_store(sources, store)
    pairs = []
    for source in sources:
        if store == "memory":
            large = [position for position, size in enumerate(source.hr_sizes) if min(size) >= min_hr_side]
            kept = list(with_progress(source.select(large), len(large), f"{source.name}: read"))
        else:
            stored = stored_pairs(source, cache or default_cache())
            found = [stored[index] for index in source.indices if index in stored]
            kept = [pair for pair in found if min(pair.hr.shape[:2]) >= min_hr_side]
        if len(kept) < len(source):
            _log.warning(
                "%s: left out %d of %d pictures, smaller than %d pixels",
                source.name,
                len(source) - len(kept),
                len(source),
                min_hr_side,
            )
        pairs += kept
    if not pairs:
        names = ", ".join(source.name for source in sources)
        raise UserError(f"every picture of {names} has a side shorter than {min_hr_side} pixels")
    return pairs


def _choose_store(sources, store):
    """Decides between "memory" and "disk" by the decoded pictures' size."""
    needed, free = sum(source.decoded_bytes() for source in sources), free_memory()
    sizes = f"the decoded pictures take {needed / 1e9:.3g} GB, {free / 1e9:.3g} GB of memory are free"
    if store == "memory":
        if needed > free:
            raise UserError(
                f"{sizes}: --set data.store=auto keeps training pictures on disk; of those for validation take "
                "fewer, by data.valid_pictures"
            )
        return store
    store = "memory" if needed <= _MEMORY_SHARE * free else "disk"
    _log.info("%s: they are kept %s", sizes, {"memory": "in memory", "disk": "on disk"}[store])
    return store


def hr_crop_size(hr_patch_size, scale, degradation):
    """Side of what is cut from HR pictures for patches: a chain that works on crops gets a margin around them."""
    return hr_patch_size + 2 * _margin(scale, degradation)


def training_batches(
    pairs,
    *,
    first_step,
    last_step,
    batch_size,
    hr_patch_size,
    scale,
    seed,
    augment=True,
    degradation="bicubic",
    clean_fraction=0.0,
):
    """The batches of the training steps `first_step` to `last_step - 1`, made ahead of their use.

    Each is a function of `seed` and its step alone, so a resumed run sees what an unbroken one would have.

    Args:
        pairs: sequence of `Pair`, each HR side at least `hr_crop_size(hr_patch_size, scale, degradation)`.
        first_step: number of the first batch.
        last_step: number of the batch after the last.
        batch_size: patches a batch; this and the following as for `crop_batch`.
        hr_patch_size: side of the HR patches, a multiple of `scale`.
        scale: HR size over LR size.
        seed: int or tuple of ints.
        augment: mirror and turn the patches.
        degradation: a name of `DEGRADATIONS`; other than "bicubic" makes LR anew from HR.
        clean_fraction: share of the patches that "realistic" degrades lightly or not at all.

    Returns:
        tf.data.Dataset of `(lr, hr)`, float32 [batch_size, side, side, 3] in [0, 1].

    Raises:
        ValueError: `hr_patch_size` is not a multiple of `scale`.
    """
    if hr_patch_size % scale:
        raise ValueError(f"`hr_patch_size` must be a multiple of the scale {scale}. Received: {hr_patch_size}")
    crop_size = hr_crop_size(hr_patch_size, scale, degradation)

    def cut(step):
        return crop_batch(
            pairs,
            int(step),
            batch_size=batch_size,
            hr_patch_size=crop_size,
            scale=scale,
            seed=seed,
            augment=augment,
        )

    def make_batch(step):
        # numpy cuts from arrays of any size without copying a picture, and takes microseconds a patch.
        lr, hr = tf.numpy_function(cut, [step], (tf.uint8, tf.uint8), stateful=False)
        lr.set_shape((batch_size, crop_size // scale, crop_size // scale, 3))
        hr.set_shape((batch_size, crop_size, crop_size, 3))
        return to_float(lr), to_float(hr)

    batches = tf.data.Dataset.range(first_step, last_step).map(make_batch, num_parallel_calls=2)
    if DEGRADATIONS[degradation]:
        degrade = functools.partial(
            _degrade_crop,
            degradation=degradation,
            clean_fraction=clean_fraction,
            seed=_seed_of_all(seed),
            hr_patch_size=hr_patch_size,
            scale=scale,
        )
        # Patch by patch, so that all cores work on one batch.
        crops = batches.unbatch().enumerate(first_step * batch_size)
        batches = crops.map(degrade, num_parallel_calls=tf.data.AUTOTUNE).batch(batch_size, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE)


def _degrade_crop(number, crop, *, degradation, clean_fraction, seed, hr_patch_size, scale):
    """Makes LR from the HR of a crop, and takes the margin off both."""
    _, hr = crop
    options = {"clean_fraction": clean_fraction} if clean_fraction else {}
    lr = DEGRADATIONS[degradation](hr, tf.random.fold_in(seed, number), scale=scale, **options)
    margin, lr_patch_size = _margin(scale, degradation), hr_patch_size // scale
    lr = tf.image.crop_to_bounding_box(lr, margin // scale, margin // scale, lr_patch_size, lr_patch_size)
    hr = tf.image.crop_to_bounding_box(hr, margin, margin, hr_patch_size, hr_patch_size)
    return lr, hr


def degrade_pairs(pairs, *, seed, scale, degradation):
    """Pairs whose LR is made by a degradation of the whole picture; as they are for "bicubic".

    Args:
        pairs: sequence of `Pair` of arrays.
        seed: int; it and a pair's position give its LR.
        scale: HR size over LR size.
        degradation: a name of `DEGRADATIONS`.

    Returns:
        List of `Pair`.
    """
    degrade = DEGRADATIONS[degradation]
    if degrade is None:
        return list(pairs)

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((), tf.int64)])
    def make_lr(hr, position):
        return to_uint8(degrade(to_float(hr), tf.random.fold_in(_seed_of_all(seed), position), scale=scale))

    return [pair._replace(lr=make_lr(pair.hr, position).numpy()) for position, pair in enumerate(pairs)]


def _seed_of_all(seed):
    """What the seeds of patches are made from by their number, int32 [2]."""
    seed = seed if isinstance(seed, tuple) else (seed,)
    return np.random.SeedSequence((*seed, 2)).generate_state(2).astype(np.int32)


def _margin(scale, degradation):
    """Pixels of HR around a patch, so that the border of what is degraded hardly reaches it."""
    return 0 if DEGRADATIONS[degradation] is None else _LR_MARGIN * scale
