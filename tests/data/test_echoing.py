import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.data import echoing
from srgan_tf.data.crops import dihedral
from srgan_tf.data.pipeline import TrainingPictures
from srgan_tf.data.sources import open_source
from srgan_tf.errors import UserError

SIDE, BATCH, USES, WINDOW = 3, 4, 3, 2


@pytest.fixture(autouse=True)
def small_window(monkeypatch):
    monkeypatch.setattr(echoing, "WINDOW", WINDOW)


def patch(number):
    """A patch of different pixels, none of which is in another patch; no symmetry maps it to itself."""
    pixels = np.arange(SIDE * SIDE).reshape(SIDE, SIDE, 1) + SIDE * SIDE * (number % 20)
    return np.repeat(pixels, 3, axis=2).astype(np.uint8)


def batches(first_step, last_step, *, augment=True):
    """The batches of some steps; HR is LR plus 1."""
    first, last = echoing.new_steps(first_step, last_step, USES)
    new = np.stack([patch(number) for number in range(BATCH * first, BATCH * last)])
    patches = tf.data.Dataset.from_tensor_slices((new, new + np.uint8(1)))
    steps = (first_step, last_step)
    return list(echoing.echo(patches, steps, BATCH, uses=USES, seed=(1, 2), augment=augment).as_numpy_iterator())


@pytest.mark.parametrize(("steps", "new"), [((0, 6), (0, 2)), ((5, 7), (0, 4)), ((6, 12), (2, 4)), ((13, 14), (4, 6))])
def test_the_steps_of_whole_windows_are_made(steps, new):
    assert echoing.new_steps(*steps, USES) == new


def test_each_patch_is_used_in_each_pass_of_its_window():
    found = batches(0, 2 * USES * WINDOW)
    assert len(found) == 12
    passes = [np.concatenate([lr for lr, _ in found[start : start + WINDOW]]) for start in range(0, 12, WINDOW)]
    numbers = [list(lr.min(axis=(1, 2, 3)) // SIDE**2) for lr in passes]
    assert numbers[0] == list(range(8))  # the first pass has the patches as they are
    np.testing.assert_array_equal(passes[0], [patch(number) for number in range(8)])
    assert [sorted(each) for each in numbers] == 3 * [list(range(8))] + 3 * [list(range(8, 16))]
    assert len({tuple(each) for each in numbers}) == 6  # other orders


def test_lr_and_hr_are_turned_alike_to_all_symmetries():
    found = batches(0, 8 * USES * WINDOW)
    seen = set()
    for lr, hr in found:
        np.testing.assert_array_equal(lr + 1, hr)
        for turned in lr:
            base = patch(int(turned.min()) // SIDE**2)
            (symmetry,) = [index for index in range(8) if np.array_equal(dihedral(base, index), turned)]
            seen.add(symmetry)
    assert seen == set(range(8))
    for lr, _ in batches(0, 12, augment=False):
        for same in lr:
            np.testing.assert_array_equal(same, patch(int(same.min()) // SIDE**2))


@pytest.mark.parametrize("first", [1, 6, 13])
def test_batches_are_those_of_a_run_from_the_start(first):
    whole, resumed = batches(0, 15), batches(first, 15)
    assert len(resumed) == 15 - first
    for (lr, hr), (expected_lr, expected_hr) in zip(resumed, whole[first:], strict=True):
        np.testing.assert_array_equal(lr, expected_lr)
        np.testing.assert_array_equal(hr, expected_hr)


def test_the_pipeline():
    (source,) = [open_source("synthetic", split="train", scale=4, synthetic_count=3, synthetic_size=96)]
    options = {"batch_size": 2, "hr_patch_size": 24, "scale": 4, "degradation": "ntire-mild", "store": "memory"}
    once, twice = (TrainingPictures.load([source], patch_uses=uses, **options) for uses in (1, 2))
    new, echoed, resumed = list(once.batches(0, 2, 5)), list(twice.batches(0, 4, 5)), list(twice.batches(3, 4, 5))
    assert len(echoed) == 4
    for (lr, hr), (expected_lr, expected_hr) in zip([*echoed[:2], *resumed], [*new, echoed[3]], strict=True):
        np.testing.assert_array_equal(lr, expected_lr)
        np.testing.assert_array_equal(hr, expected_hr)
        assert (lr.dtype, lr.shape, hr.shape) == (tf.uint8, (2, 6, 6, 3), (2, 24, 24, 3))
    # The second pass: the same HR patches, each with its own LR.
    assert sorted(hr.sum() for _, batch in echoed[2:] for hr in batch.numpy().astype(int)) == sorted(
        hr.sum() for _, batch in new for hr in batch.numpy().astype(int)
    )


def test_it_is_for_degradations():
    realistic = with_settings(presets.tiny(), ["data.degradation=realistic", "data.patch_uses=4"])
    assert realistic.data.patch_uses == 4
    with pytest.raises(UserError, match=r"data\.patch_uses is for other degradations than bicubic"):
        with_settings(presets.tiny(), ["data.patch_uses=4"])
