import numpy as np
import pytest

from srgan_tf.images import comparison


def test_nearest_repeats_pixels():
    image = np.array([[[1], [2]]], np.uint8)
    np.testing.assert_array_equal(comparison.nearest(image, 2)[..., 0], [[1, 1, 2, 2], [1, 1, 2, 2]])


def test_busiest_inset_finds_the_only_detail():
    picture = np.full((64, 80, 3), 90, np.uint8)
    picture[40:44, 60:64] = 255
    top, left, height, width = comparison.busiest_inset(picture, 4)
    assert (height, width) == (16, 20)
    assert top <= 40 < 44 <= top + 16
    assert left <= 60 < 64 <= left + 20


@pytest.mark.parametrize("size", [(17, 23), (1, 1), (3, 90)])
def test_busiest_inset_stays_inside_small_pictures(size):
    top, left, height, width = comparison.busiest_inset(np.zeros((*size, 3), np.uint8), 4)
    assert height >= 1
    assert width >= 1
    assert top + height <= size[0]
    assert left + width <= size[1]


def test_strip_shows_each_image_and_its_zoomed_crop(rng):
    lr, hr = rng.integers(0, 256, (2, 48, 64, 3), dtype=np.uint8)
    sheet = comparison.strip({"LR": lr, "HR\n30.00 dB": hr}, insets=[(8, 16, 10, 12)], zoom=4)
    windows = np.lib.stride_tricks.sliding_window_view(sheet, (48, 64, 3))[..., 0, :, :, :]
    # The rectangle marks the inset; its inside and the rest of the picture are as they were.
    outside = np.ones((48, 64, 3), bool)
    outside[8:18, 16:28] = False
    found = [
        (np.where(outside, windows, 0) == np.where(outside, image, 0)).all(axis=(2, 3, 4)).sum() for image in (lr, hr)
    ]
    assert found == [1, 1]
    enlarged = comparison.nearest(hr[8:18, 16:28], 4)
    details = np.lib.stride_tricks.sliding_window_view(sheet, enlarged.shape)[..., 0, :, :, :]
    assert (details == enlarged).all(axis=(2, 3, 4)).sum() == 1


def test_two_crops_are_side_by_side_under_each_image(rng):
    pictures = {name: rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for name in "ab"}
    boxes = comparison.differing_insets(list(pictures.values()), 2, 4)
    sheet = comparison.strip(pictures, insets=boxes, zoom=4)
    assert sheet.shape[1] == 2 * 64 + 4  # no wider than the pictures
    for picture in pictures.values():
        for top, left, height, width in boxes:
            # Without the frame of 2 pixels.
            enlarged = comparison.nearest(picture[top : top + height, left : left + width], 4)[2:-2, 2:-2]
            windows = np.lib.stride_tricks.sliding_window_view(sheet, enlarged.shape)[..., 0, :, :, :]
            assert (windows == enlarged).all(axis=(2, 3, 4)).sum() == 1


def test_differing_insets_find_the_differences_in_order():
    first, second = np.full((2, 64, 80, 3), 90, np.uint8)
    second[40:44, 60:64] = 255
    second[8:12, 4:8] = 120
    large, small = comparison.differing_insets([first, second], 2, 4)
    assert large[2:] == small[2:] == (7, 9)
    assert (large[0] <= 40 < 44 <= large[0] + 7, large[1] <= 60 < 64 <= large[1] + 9) == (True, True)
    assert (small[0] <= 8 < 12 <= small[0] + 7, small[1] <= 4 < 8 <= small[1] + 9) == (True, True)


@pytest.mark.parametrize(("size", "count"), [((17, 23), 2), ((1, 1), 1), ((1, 2), 2), ((3, 90), 2)])
def test_differing_insets_do_not_overlap_in_small_pictures(size, count):
    pictures = [np.zeros((*size, 3), np.uint8), np.ones((*size, 3), np.uint8)]
    boxes = comparison.differing_insets(pictures, 2, 4)
    assert len(boxes) == count
    covered = np.zeros(size, int)
    for top, left, height, width in boxes:
        covered[top : top + height, left : left + width] += 1
    assert covered.max() == 1
    assert covered.sum() == sum(height * width for _, _, height, width in boxes)


def test_strip_refuses_pictures_of_different_sizes():
    with pytest.raises(ValueError, match="of one size"):
        comparison.strip({"a": np.zeros((4, 4, 3), np.uint8), "b": np.zeros((4, 5, 3), np.uint8)})
