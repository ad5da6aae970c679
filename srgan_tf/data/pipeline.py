"""From sources to batches: pictures are decoded once, to memory or disk, then cropped at random by tf.data."""

import collections.abc
import functools
import logging

import numpy as np
import tensorflow as tf

from srgan_tf.data.crops import crop_batch, cumulative_areas
from srgan_tf.data.degradations import DEGRADATIONS
from srgan_tf.data.echoing import echo, new_steps
from srgan_tf.data.pairs import UnreadableError
from srgan_tf.data.progress import with_progress
from srgan_tf.data.sources import require_all
from srgan_tf.data.store import default_cache, stored_pairs
from srgan_tf.errors import UserError, WorkError
from srgan_tf.hardware import free_memory
from srgan_tf.images.pixels import to_float, to_uint8

# Pictures may use this share of the free memory; the rest is for the program and for other processes.
_MEMORY_SHARE = 0.5
# Batches kept ready: those of the steps that the training loop may be ahead of a GPU, and some more.
_PREFETCHED = 12

_log = logging.getLogger(__name__)


def load_pairs(sources, *, min_hr_side=1, store="auto", cache=""):
    """Decodes all pairs of some sources, to memory or to a store on disk that later runs reuse.

    Args:
        sources: iterable of `Source`s of `Loader`s.
        min_hr_side: minimum HR side, pixels; smaller pictures are left out, and their number is logged.
        store: "memory"; "disk"; or "auto", memory if the pictures need at most half of the free memory.
        cache: folder of the stores on disk; "" is `srgan_tf` in the user's cache folder.

    Returns:
        List of `Pair`. Pictures in memory are uint8 arrays; those on disk are `StoredPicture`s, read
        on access.

    Raises:
        UserError: no picture is large enough, or there is too little memory for "memory".
        UnreadableError: some pictures cannot be read; lists all of them, of all sources.
        WorkError: a store cannot be written.
    """
    sources = list(sources)
    _require_headers(sources, min_hr_side)
    if store != "disk":
        store = _choose_store(sources, store)
    pairs, unreadable = [], []
    for source in sources:
        try:
            kept = _load_source(source, min_hr_side, store, cache)
        except UnreadableError as error:
            unreadable += error.reasons
            continue
        if len(kept) < len(source):
            _log.warning(
                "%s: left out %d of %d pictures, smaller than %d pixels",
                source.name,
                len(source) - len(kept),
                len(source),
                min_hr_side,
            )
        pairs += kept
    if unreadable:
        raise UnreadableError(unreadable)
    if not pairs:
        names = ", ".join(source.name for source in sources)
        raise UserError(f"every picture of {names} has a side shorter than {min_hr_side} pixels")
    return pairs


def _require_headers(sources, min_hr_side):
    """Raises an `UnreadableError` if a header cannot be read; it then lists the pictures that fail to decode, too."""
    if not any(isinstance(header, WorkError) for source in sources for header in source.headers):
        return
    reasons = []
    for source in sources:
        reasons += [str(header) for header in source.headers if isinstance(header, WorkError)]
        large = [
            position
            for position, header in enumerate(source.headers)
            if not isinstance(header, WorkError) and min(header) >= min_hr_side
        ]
        results = with_progress(source.select(large).attempts(), len(large), f"{source.name}: checked")
        reasons += [str(result) for result in results if isinstance(result, WorkError)]
    raise UnreadableError(reasons)


def _load_source(source, min_hr_side, store, cache):
    """The pairs of one source that are large enough."""
    if store == "memory":
        large = [position for position, size in enumerate(source.hr_sizes) if min(size) >= min_hr_side]
        found = require_all(with_progress(source.select(large).attempts(), len(large), f"{source.name}: read"))
    else:
        stored = stored_pairs(source, cache or default_cache())
        found = [stored[index] for index in source.indices if index in stored]
    # Again by their own size: alignment crops pictures.
    return [pair for pair in found if min(pair.hr.shape[:2]) >= min_hr_side]


def _choose_store(sources, store):
    """Chooses "memory" or "disk" by the size of the decoded pictures."""
    needed, free = sum(source.decoded_bytes() for source in sources), free_memory()
    sizes = f"the decoded pictures take {needed / 1e9:.3g} GB, {free / 1e9:.3g} GB of memory are free"
    if store == "memory":
        if needed > free:
            raise UserError(
                f"{sizes}: --set data.store=auto keeps training pictures on disk; a lower data.valid_pictures takes "
                "fewer validation pictures"
            )
        return store
    store = "memory" if needed <= _MEMORY_SHARE * free else "disk"
    _log.info("%s: they are stored %s", sizes, {"memory": "in memory", "disk": "on disk"}[store])
    return store


def hr_crop_size(hr_patch_size, scale, degradation):
    """Side of the HR crops, pixels: the patch, with a margin if LR is made from the crop."""
    return hr_patch_size + 2 * DEGRADATIONS[degradation].lr_margin * scale


class TrainingPictures(collections.abc.Sequence):
    """The training pictures of a run, and the batches of random patches cut from them.

    A sequence of `Pair`.

    Args:
        pairs: sequence of `Pair`, each HR side at least `hr_crop_size(hr_patch_size, scale, degradation)`.
        batch_size: patches per batch.
        hr_patch_size: side of the HR patches, a multiple of `scale`.
        scale: HR size over LR size.
        augment: flip and rotate the patches at random.
        degradation: a name of `DEGRADATIONS`; other than "bicubic" makes LR patches from HR patches.
        sampling: how often each picture is drawn, as for `cumulative_areas`.
        clean_fraction: share of the patches that "realistic" degrades lightly or not at all.
        patch_uses: how often each patch is used that a degradation made, see `echoing`.

    Raises:
        ValueError: `hr_patch_size` is not a multiple of `scale`.
    """

    def __init__(
        self,
        pairs,
        *,
        batch_size,
        hr_patch_size,
        scale,
        augment=True,
        degradation="bicubic",
        sampling="auto",
        clean_fraction=0.0,
        patch_uses=1,
    ):
        if hr_patch_size % scale:
            raise ValueError(f"`hr_patch_size` must be a multiple of the scale {scale}. Received: {hr_patch_size}")
        self._pairs = pairs
        self._batch_size = batch_size
        self._hr_patch_size = hr_patch_size
        self._scale = scale
        self._augment = augment
        self._degradation = degradation
        self._areas = cumulative_areas(pairs, sampling)
        self._patch_uses = patch_uses
        self._degradation_options = {"clean_fraction": clean_fraction} if clean_fraction else {}

    @classmethod
    def load(cls, sources, *, hr_patch_size, scale, degradation="bicubic", store="auto", cache="", **options):
        """Reads the pictures of some sources that are large enough for a patch.

        Args:
            sources: as for `load_pairs`, which raises the same errors.
            hr_patch_size: as for the class.
            scale: as for the class.
            degradation: as for the class.
            store: as for `load_pairs`.
            cache: as for `load_pairs`.
            **options: the other arguments of the class.
        """
        side = hr_crop_size(hr_patch_size, scale, degradation)
        pairs = load_pairs(sources, min_hr_side=side, store=store, cache=cache)
        return cls(pairs, hr_patch_size=hr_patch_size, scale=scale, degradation=degradation, **options)

    def __len__(self):
        return len(self._pairs)

    def __getitem__(self, index):
        return self._pairs[index]

    def batches(self, first_step, last_step, seed):
        """Batches of the training steps `first_step` to `last_step - 1`, prepared in the background.

        Each batch depends on `seed` and its step only, so a resumed run gets the batches of an uninterrupted one.

        Args:
            first_step: number of the first batch.
            last_step: number of the batch after the last.
            seed: int or tuple of ints.

        Returns:
            tf.data.Dataset of `(lr, hr)`, uint8 [batch_size, side, side, 3]: a quarter of the bytes of float32 to copy
            to the device.
        """
        scale, batch_size = self._scale, self._batch_size
        crop_size = hr_crop_size(self._hr_patch_size, scale, self._degradation)

        def cut(step):
            return crop_batch(
                self._pairs,
                int(step),
                batch_size=batch_size,
                hr_patch_size=crop_size,
                scale=scale,
                seed=seed,
                augment=self._augment,
                areas=self._areas,
            )

        def make_batch(step):
            # NumPy slices the arrays without copying whole pictures, in microseconds per patch.
            lr, hr = tf.numpy_function(cut, [step], (tf.uint8, tf.uint8), stateful=False)
            lr.set_shape((batch_size, crop_size // scale, crop_size // scale, 3))
            hr.set_shape((batch_size, crop_size, crop_size, 3))
            return lr, hr

        steps, uses = (first_step, last_step), self._patch_uses
        first, last = steps if uses == 1 else new_steps(*steps, uses)
        batches = tf.data.Dataset.range(first, last).map(make_batch, num_parallel_calls=2)
        if not DEGRADATIONS[self._degradation].keeps_source_lr:
            degrade = functools.partial(self._degrade_crop, _base_seed(seed))
            # Patch by patch, so that all cores work on one batch.
            crops = batches.unbatch().enumerate(first * batch_size)
            patches = crops.map(degrade, num_parallel_calls=tf.data.AUTOTUNE)
            if uses == 1:
                batches = patches.batch(batch_size, drop_remainder=True)
            else:
                batches = echo(patches, steps, batch_size, uses=uses, seed=_base_seed(seed), augment=self._augment)
        return batches.prefetch(_PREFETCHED)

    def _degrade_crop(self, seed, number, crop):
        """Makes the LR patch from an HR crop, then removes the margin of both."""
        _, hr = crop
        degradation, scale = DEGRADATIONS[self._degradation], self._scale
        margin, side = degradation.lr_margin, self._hr_patch_size
        lr = degradation.make_lr(
            to_float(hr), tf.random.fold_in(seed, number), scale=scale, **self._degradation_options
        )
        lr = tf.image.crop_to_bounding_box(lr, margin, margin, side // scale, side // scale)
        hr = tf.image.crop_to_bounding_box(hr, margin * scale, margin * scale, side, side)
        return to_uint8(lr), hr


def degrade_pairs(pairs, *, seed, scale, degradation):
    """Makes the LR of each pair anew by degrading the whole HR picture; "bicubic" returns the pairs unchanged.

    Args:
        pairs: sequence of `Pair` of arrays.
        seed: int; the LR of a pair depends on it and on the pair's position.
        scale: HR size over LR size.
        degradation: a name of `DEGRADATIONS`.

    Returns:
        List of `Pair`.
    """
    chosen = DEGRADATIONS[degradation]
    if chosen.keeps_source_lr:
        return list(pairs)

    @tf.function(input_signature=[tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((), tf.int64)])
    def make_lr(hr, position):
        return to_uint8(chosen.make_lr(to_float(hr), tf.random.fold_in(_base_seed(seed), position), scale=scale))

    return [pair._replace(lr=make_lr(pair.hr, position).numpy()) for position, pair in enumerate(pairs)]


def _base_seed(seed):
    """The seed that is combined with a patch's number to give the patch its own seed, int32 [2]."""
    seed = seed if isinstance(seed, tuple) else (seed,)
    return np.random.SeedSequence((*seed, 2)).generate_state(2).astype(np.int32)
