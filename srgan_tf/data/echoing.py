"""Data echoing (Choi et al. 2020): patches that take long to make are used several times.

A window holds the patches of some batches. All of them are used once, then all again in another order and orientation,
and so on, while the next window is made. Batches are a function of the step, as without echoing.
"""

import numpy as np
import tensorflow as tf

from srgan_tf.data.crops import turn

WINDOW = 32  # batches of new patches: 25 MB for 8 patches of 192 HR pixels, and as much for the next window


def new_steps(first_step, last_step, uses):
    """(first, last) of the range of the batches of new patches that the steps `first_step` to `last_step - 1` need."""
    length = WINDOW * uses
    return first_step // length * WINDOW, -(-last_step // length) * WINDOW


def echo(patches, steps, batch_size, *, uses, seed, augment):
    """Makes the batches of some steps from new patches.

    Args:
        patches: tf.data.Dataset of `(lr, hr)`, uint8 [side, side, 3]: the patches of the batches `new_steps`, in order.
        steps: (number of the first batch, number of the batch after the last).
        batch_size: patches per batch.
        uses: how often each patch is used.
        seed: int32 [2], for orders and orientations.
        augment: turn the patches to one of their eight symmetries when they are used again.

    Returns:
        tf.data.Dataset of `(lr, hr)`, uint8 [batch_size, side, side, 3].
    """
    first_step, last_step = steps
    count, length = WINDOW * batch_size, WINDOW * uses
    first_window = first_step // length

    def cut(window, lr, hr, number):
        """Batch `number` of a window: first the patches as they are, then in other orders."""
        use, position = number // WINDOW, number % WINDOW * batch_size
        use_seed = tf.random.fold_in(tf.random.fold_in(seed, window), use)
        order = tf.argsort(tf.random.stateless_uniform((count,), use_seed))
        order = tf.where(use > 0, order, tf.range(count))[position : position + batch_size]
        lr, hr = tf.gather(lr, order), tf.gather(hr, order)
        if augment:
            turn_seed = tf.random.fold_in(use_seed, 1 + position)
            symmetries = tf.random.stateless_uniform((batch_size,), turn_seed, maxval=8, dtype=tf.int32)
            lr, hr = turned(lr, hr, tf.where(use > 0, symmetries, 0))
        return tuple(tf.ensure_shape(each, (batch_size, *each.shape[1:])) for each in (lr, hr))

    def batches_of(window, pair):
        numbers = tf.data.Dataset.range(length)
        return numbers.map(lambda number: cut(window, *pair, number))

    windows = patches.batch(count, drop_remainder=True).prefetch(1).enumerate(first_window)
    batches = windows.flat_map(batches_of)
    return batches.skip(first_step - first_window * length).take(last_step - first_step)


def turned(lr, hr, symmetries):
    """Turns each pair of patches to one of its eight symmetries.

    Args:
        lr: uint8 [batch, side, side, 3].
        hr: the same.
        symmetries: int32 [batch], see `crops.dihedral`.
    """

    def turn_all(lr, hr, symmetries):  # TensorFlow's transpositions and selections of bytes are slow
        results = np.empty_like(lr), np.empty_like(hr)
        for patches, targets in zip((lr, hr), results, strict=True):
            for patch, symmetry, target in zip(patches, symmetries, targets, strict=True):
                turn(patch, symmetry, target)
        return results

    results = tf.numpy_function(turn_all, [lr, hr, symmetries], (tf.uint8, tf.uint8), stateful=False)
    return [tf.ensure_shape(result, given.shape) for result, given in zip(results, (lr, hr), strict=True)]
