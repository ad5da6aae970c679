import numpy as np
import pytest

from srgan_tf.data.continuous import ContinuousPictures, continuous_batch, downscaled, lr_patch_size
from srgan_tf.data.pairs import Pair, make_pair
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.positions import axis_positions
from srgan_tf.images.resize import imresize

BATCH = dict(batch_size=3, lr_side=12, samples=24, scales=(1.0, 4.0), seed=(7,))


@pytest.fixture(scope="module")
def pairs():
    return [make_pair(f"{index}", draw_picture(index, 80, 96), 4) for index in range(4)]


@pytest.mark.parametrize("side", [8, 11, 30])
def test_downscaling_is_imresize(side):
    images = np.stack([draw_picture(index, 31, 31) for index in range(2)])
    small = downscaled(images, side)
    expected = np.stack([imresize(image, side, side) for image in images])
    assert small.dtype == np.uint8
    assert np.mean(small != expected) < 1e-3  # float32 sums, at ties
    assert np.abs(small.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("step", range(6))
def test_samples_lie_where_the_positions_say(step):
    # A picture whose value is linear in its column: bicubic keeps it linear, so each sample's value follows from LR.
    ramp = np.broadcast_to(np.arange(90)[:, np.newaxis, np.newaxis] * 2, (90, 90, 3)).astype(np.uint8)
    batch = dict(BATCH, augment=False)
    for picture, axis in ((ramp, 0), (ramp.swapaxes(0, 1), 1)):
        lr, rows, columns, hr = continuous_batch([Pair("ramp", None, picture)], step, **batch)
        positions = (rows, columns)[axis][0].astype(np.float64)
        line = lr[0].astype(np.float64).mean(axis=(1 - axis, 2))
        index, offset, step_size, _ = positions.T
        assert index.min() >= 0
        assert index.max() < 12
        assert np.abs(offset).max() <= 0.5
        # Slope: 2 levels for each HR pixel.
        expected = line[index.astype(int)] + offset * 2 / step_size
        assert np.abs(hr[0].mean(axis=(1 - axis, 2)) - expected).max() <= 1.01  # two roundings of LR


def test_lr_is_the_interior_of_a_downscaled_picture():
    picture = draw_picture(0, 45, 45)
    lr, rows, columns, hr = continuous_batch(
        [Pair("", None, picture)], 0, **dict(BATCH, scales=(2.5, 2.5), augment=False)
    )
    expected = imresize(picture, 18, 18)[3:-3, 3:-3]
    assert np.mean(lr != expected) < 1e-3
    # HR pixel 7 is the first in LR pixel 3, the first of the patch: its centre, 7.5 / 2.5, is on its border.
    positions = axis_positions(18, 45, np.arange(7, 37)) - np.float32((3, 0, 0, 0))
    chosen = [
        [int(np.flatnonzero((positions == position).all(1))[0]) + 7 for position in axis[0]] for axis in (rows, columns)
    ]
    np.testing.assert_array_equal(hr[0], picture[chosen[0]][:, chosen[1]])


def test_a_batch_is_a_function_of_its_step(pairs):
    first, again, other = (continuous_batch(pairs, step, **BATCH) for step in (5, 5, 6))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert first[1][0, 0, 2] != other[1][0, 0, 2]  # another factor


def test_factors_cover_their_range_and_rows_are_not_repeated(pairs):
    steps = []
    for step in range(40):
        _, rows, columns, _ = continuous_batch(pairs, step, **BATCH)
        steps.append(1 / rows[0, 0, 2])
        for positions in (rows[0], columns[0]):
            _, counts = np.unique(positions, axis=0, return_counts=True)
            assert counts.max() <= (1 if steps[-1] >= 2.1 else 2)
    assert 1 <= min(steps) < 1.3
    assert 3.6 < max(steps) <= 4


def test_training_pictures_give_batches_of_one_shape(pairs):
    assert lr_patch_size(48, 4, 1.0, contiguous=False) == 12
    pictures = ContinuousPictures(pairs, min_scale=1.0, batch_size=3, hr_patch_size=48, scale=4)
    batches = list(pictures.batches(5, 7, (7,)))
    assert len(batches) == 2
    (lr, rows, columns), hr = batches[0]
    expected = continuous_batch(pairs, 5, **BATCH)
    np.testing.assert_allclose(lr, expected[0] / np.float32(255), rtol=1e-6)
    np.testing.assert_array_equal(rows, expected[1])
    np.testing.assert_array_equal(columns, expected[2])
    np.testing.assert_allclose(hr, expected[3] / np.float32(255), rtol=1e-6)


def test_contiguous_patches(pairs):
    assert lr_patch_size(48, 4, 1.5, contiguous=True) == 17  # 24 / 1.5, and a part of a pixel
    batch = dict(BATCH, lr_side=17, scales=(1.5, 3.0), contiguous=True)
    for step in range(8):
        _, rows, columns, hr = continuous_batch(pairs, step, **batch)
        assert hr.shape == (3, 24, 24, 3)
        for positions in (rows[0], columns[0]):
            np.testing.assert_array_equal(np.diff(positions[:, 3]), 1)
            assert 0 <= positions[0, 0] <= positions[-1, 0] < 17
