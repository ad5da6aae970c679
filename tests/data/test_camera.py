import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.camera import CAMERAS, MARGIN, Camera, camera_kernel, photograph
from srgan_tf.data.degradations import DEGRADATIONS, Degradation
from srgan_tf.data.pairs import Pair
from srgan_tf.data.pipeline import TrainingPictures
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.pixels import to_float
from srgan_tf.images.resize import imresize


@pytest.fixture(scope="module")
def picture():
    return draw_picture(0, 192, 160).astype(np.float32) / 255


@pytest.fixture
def noiseless(monkeypatch):
    """A camera of little blur and no noise."""
    monkeypatch.setitem(CAMERAS, "test", Camera((0.25, 0.25), (0, 0), (0, 0), (1e7, 1e7), (0, 0)))
    return "test"


@pytest.mark.parametrize(("lens", "motion", "angle", "shift"), [(1.2, 4.0, 0.6, (0.3, -1.4)), (2.0, 0.0, 0.0, (0, 0))])
def test_the_kernel_is_a_gaussian_along_a_line(lens, motion, angle, shift):
    """Against the sum of Gaussians at many points of the line."""
    y, x = np.mgrid[-10:11, -10:11]
    expected = np.zeros((21, 21))
    for place in (np.arange(1000) + 0.5) / 1000 - 0.5:
        down, right = shift[0] + place * motion * np.sin(angle), shift[1] + place * motion * np.cos(angle)
        expected += np.exp(-((y - down) ** 2 + (x - right) ** 2) / (2 * lens**2))
    kernel = camera_kernel(lens, motion, angle, shift).numpy()
    np.testing.assert_allclose(kernel, expected / expected.sum(), atol=1e-5)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_lr_shows_hr_at_the_shift(noiseless, scale):
    """A slope: LR's values are those of HR at the centres of its pixels, moved by the shift."""
    rows, columns = np.mgrid[: 16 * scale, : 20 * scale]
    hr = np.stack([rows / 100, columns / 100, (rows + columns) / 200], axis=2).astype(np.float32)
    lr = photograph(hr, (1, 2), scale=scale, camera=noiseless, shift=(1.5, -0.75)).numpy()
    centre = (scale - 1) / 2
    assert lr.shape == (16, 20, 3)
    for row, column in ((7, 9), (8, 11)):
        expected = (row * scale + centre - 1.5) / 100, (column * scale + centre + 0.75) / 100
        np.testing.assert_allclose(lr[row, column], (*expected, sum(expected) / 2), atol=0.5 / 255 + 1e-3)


def test_noise_has_the_variance_of_photons_and_sensor():
    hr = np.repeat(np.float32([0.2, 0.7]), 200)[:, np.newaxis, np.newaxis] * np.ones((400, 400, 3), np.float32)
    lr = photograph(hr, (3, 4), scale=4, camera="difficult", shift=(0, 0)).numpy()
    for level, half in ((0.2, lr[5:45, 5:-5]), (0.7, lr[55:-5, 5:-5])):
        assert half.mean() == pytest.approx(level, abs=0.003)
        expected = level / 500 + (4 / 255) ** 2 + 1 / 12 / 255**2  # the last is the rounding
        assert half.var() == pytest.approx(expected, rel=0.06)
        assert abs(np.corrcoef(half[..., 0].ravel(), half[..., 1].ravel())[0, 1]) < 0.06


@pytest.mark.parametrize("camera", CAMERAS)
def test_lr_of_each_track(picture, camera):
    """It has 256 levels, resembles bicubic LR, and depends on the seed alone."""
    lr = [photograph(picture, (seed, 0), scale=4, camera=camera).numpy() for seed in (0, 0, 1)]
    np.testing.assert_array_equal(lr[0], lr[1])
    assert (lr[0] != lr[2]).any()
    bicubic, other = (imresize(hr, 48, 40) for hr in (picture, draw_picture(1, 192, 160) / 255))
    for image in lr:
        np.testing.assert_allclose(image * 255, np.rint(image * 255), atol=1e-4)
        assert np.abs(image - bicubic).mean() < 0.4 * np.abs(image - other).mean()


def test_mild_is_closer_to_bicubic_than_difficult_and_wild_varies(picture):
    bicubic = imresize(picture, 48, 40)
    errors = {
        camera: [np.abs(photograph(picture, (seed, 5), scale=4, camera=camera) - bicubic).mean() for seed in range(6)]
        for camera in ("mild", "difficult", "wild")
    }
    assert max(errors["mild"]) < min(errors["difficult"])
    spread = {camera: np.max(values) / np.min(values) for camera, values in errors.items()}
    assert spread["wild"] > 1.5 * max(spread["mild"], spread["difficult"])


def test_the_drawn_shift_is_at_most_half_an_hr_pixel_and_zero_on_average(noiseless):
    rows, columns = np.mgrid[:48, :48]
    hr = np.stack([rows / 50, columns / 50, 0 * rows], axis=2).astype(np.float32)
    shifts = []
    for seed in range(40):
        lr = photograph(hr, (seed, 6), scale=4, camera=noiseless).numpy()[4:8, 4:8, :2].mean(axis=(0, 1))
        shifts.append((5.5 * 4 + 1.5) - 50 * lr)
    assert np.abs(shifts).max() < 0.5 + 0.1
    assert np.abs(shifts).max() > 0.35
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.15
    assert abs(np.corrcoef(np.transpose(shifts))[0, 1]) < 0.5


def test_training_patches(noiseless, monkeypatch):
    """LR and HR patches show the same place, also beside the border of the crop that was degraded."""

    def make_lr(hr, seed, *, scale):
        return photograph(hr, seed, scale=scale, camera=noiseless, shift=(0, 0))

    monkeypatch.setitem(DEGRADATIONS, "ntire-mild", Degradation(make_lr, MARGIN))
    hr = draw_picture(3, 160, 160)
    pairs = [Pair("a", imresize(hr, 40, 40), hr)]
    options = {"batch_size": 2, "hr_patch_size": 32, "scale": 4, "degradation": "ntire-mild", "augment": False}
    for lr, hr in TrainingPictures(pairs, **options).batches(0, 2, 1):
        for small, large in zip(to_float(lr).numpy(), to_float(hr).numpy(), strict=True):
            expected = photograph(large, (0, 0), scale=4, camera=noiseless, shift=(0, 0)).numpy()
            np.testing.assert_allclose(small[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1.01 / 255)


def test_every_track_is_a_degradation():
    assert {f"ntire-{name}" for name in ("mild", "difficult", "wild")} <= DEGRADATIONS.keys()
    for name in ("mild", "difficult", "wild"):
        lr = DEGRADATIONS[f"ntire-{name}"].make_lr(tf.zeros((16, 24, 3)), tf.constant([1, 2]), scale=2)
        assert lr.shape == (8, 12, 3)
