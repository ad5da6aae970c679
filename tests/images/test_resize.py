import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from srgan_tf.images.resize import imresize


def test_weights_of_a_halving_worked_by_hand():
    # Keys' kernel stretched to twice its width, at distances 0.25, 0.75, 1.25, 1.75 of it, halved.
    expected = [0.43359375, 0.11328125, -0.03515625, -0.01171875]
    impulse = np.zeros((1, 32, 1))
    for distance, weight in enumerate(expected):
        impulse[...] = 0
        impulse[0, 17 + distance] = 1.0  # output pixel 8 lies between input pixels 16 and 17
        assert imresize(impulse, 1, 16)[0, 8, 0] == pytest.approx(weight, abs=1e-12)


@pytest.mark.parametrize("factor", [1 / 8, 1 / 4, 1 / 2, 1, 2, 4])
def test_against_tensorflows_antialiased_bicubic(rng, factor):
    image = rng.random((16, 24, 3))
    # TensorFlow ignores pixels beyond the border instead of mirroring them. With manual mirroring the inside agrees.
    padded = np.pad(image, ((16, 16), (24, 24), (0, 0)), "symmetric")
    height, width = round(16 * factor), round(24 * factor)
    expected = tf.image.resize(padded, (3 * height, 3 * width), "bicubic", antialias=True)
    expected = expected[height : 2 * height, width : 2 * width]
    np.testing.assert_allclose(imresize(image, height, width), expected, atol=2e-6)


def test_a_flat_picture_stays_flat_and_odd_sizes_work():
    flat = np.full((17, 23, 3), 77, np.uint8)
    for size in ((4, 5), (68, 92), (1, 1)):
        resized = imresize(flat, *size)
        assert resized.shape == (*size, 3)
        assert resized.dtype == np.uint8
        assert (resized == 77).all()


def test_uint8_is_rounded_after_each_dimension_halves_up(rng):
    image = rng.integers(0, 256, (32, 24, 3), dtype=np.uint8)
    rows = imresize(image.astype(float), 8, 24)
    rows = np.clip(np.floor(rows + 0.5), 0, 255)
    expected = np.clip(np.floor(imresize(rows, 8, 6) + 0.5), 0, 255)
    np.testing.assert_array_equal(imresize(image, 8, 6), expected)


def test_it_is_antialiased():
    # Stripes finer than the new pixels must average to grey.
    stripes = np.tile(np.array([0, 255], np.uint8)[np.newaxis, :, np.newaxis], (16, 32, 3))
    inside = imresize(stripes, 4, 16)[:, 3:-3]  # at the border the mirrored stripes are of double width
    assert np.abs(inside.astype(int) - 128).max() <= 1


def test_sizes_below_one_are_refused():
    with pytest.raises(ValueError, match="0, 5"):
        imresize(np.zeros((4, 4, 3)), 0, 5)


@pytest.mark.parametrize("dataset", ["Set5", "Set14", "BSD100"])
def test_lr_equals_matlabs_exactly(real_data, dataset):
    for path in sorted((real_data / "benchmark" / dataset / "HR").glob("*.png")):
        hr = np.asarray(Image.open(path).convert("RGB"))
        lr = np.asarray(Image.open(path.parent.parent / "LR" / path.name).convert("RGB"))
        # The published HR was cropped after its LR was made, so the border cannot agree.
        np.testing.assert_array_equal(imresize(hr, *lr.shape[:2])[4:-4, 4:-4], lr[4:-4, 4:-4], err_msg=path.name)
