"""From sources to batches: pictures decoded once into memory, then a tf.data pipeline of random crops."""

import logging
import time

import tensorflow as tf

from srgan_tf.data.crops import crop_batch
from srgan_tf.errors import UserError
from srgan_tf.pixels import to_float

_log = logging.getLogger(__name__)

_REPORT_SECONDS = 5


def load_pairs(sources, *, min_hr_side=1):
    """Decodes every pair of some sources into memory, and logs how far it has come every few seconds.

    Args:
        sources: iterable of `Source`.
        min_hr_side: pictures with a shorter HR side, pixels, are left out, and their number is logged.

    Returns:
        List of `Pair`.

    Raises:
        UserError: not one picture is large enough.
    """
    sources = list(sources)
    pairs = []
    total = sum(len(source) for source in sources)
    read, reported = 0, time.monotonic()
    for source in sources:
        before = len(pairs)
        for pair in source:
            if min(pair.hr.shape[:2]) >= min_hr_side:
                pairs.append(pair)
            read += 1
            if time.monotonic() - reported > _REPORT_SECONDS:
                reported = time.monotonic()
                _log.info("read %d of %d pictures", read, total)
        left_out = len(source) - (len(pairs) - before)
        if left_out:
            _log.warning(
                "%s: left out %d of %d pictures, smaller than %d pixels",
                source.name,
                left_out,
                len(source),
                min_hr_side,
            )
    if not pairs:
        names = ", ".join(source.name for source in sources)
        raise UserError(f"every picture of {names} has a side shorter than {min_hr_side} pixels")
    return pairs


def training_batches(pairs, *, first_step, last_step, batch_size, hr_patch_size, scale, seed, augment=True):
    """The batches of the training steps `first_step` to `last_step - 1`, made ahead of their use.

    Each is a function of `seed` and its step alone, so a resumed run sees what an unbroken one would have.

    Args:
        pairs: sequence of `Pair`.
        first_step: number of the first batch.
        last_step: number of the batch after the last.
        batch_size: patches a batch; this and the following as for `crop_batch`.
        hr_patch_size: side of the HR patches, a multiple of `scale`.
        scale: HR size over LR size.
        seed: int or tuple of ints.
        augment: mirror and turn the patches.

    Returns:
        tf.data.Dataset of `(lr, hr)`, float32 [batch_size, side, side, 3] in [0, 1].

    Raises:
        ValueError: `hr_patch_size` is not a multiple of `scale`.
    """
    if hr_patch_size % scale:
        raise ValueError(f"`hr_patch_size` must be a multiple of the scale {scale}. Received: {hr_patch_size}")

    def cut(step):
        return crop_batch(
            pairs,
            int(step),
            batch_size=batch_size,
            hr_patch_size=hr_patch_size,
            scale=scale,
            seed=seed,
            augment=augment,
        )

    def make_batch(step):
        # numpy cuts from arrays of any size without copying a picture, and takes microseconds a patch.
        lr, hr = tf.numpy_function(cut, [step], (tf.uint8, tf.uint8), stateful=False)
        lr.set_shape((batch_size, hr_patch_size // scale, hr_patch_size // scale, 3))
        hr.set_shape((batch_size, hr_patch_size, hr_patch_size, 3))
        return to_float(lr), to_float(hr)

    return tf.data.Dataset.range(first_step, last_step).map(make_batch, num_parallel_calls=2).prefetch(tf.data.AUTOTUNE)
