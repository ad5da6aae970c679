import numpy as np
import pytest

from srgan_tf.data.photo_levels import LEVELS, degrade_photo, disc_kernel, line_kernel
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.resize import imresize


@pytest.mark.parametrize("level", LEVELS)
def test_same_name_same_picture(level):
    hr = draw_picture(0, 68, 92)
    lr = degrade_photo(hr, level, "a")
    assert lr.shape == (17, 23, 3)
    assert lr.dtype == np.uint8
    np.testing.assert_array_equal(degrade_photo(hr, level, "a"), lr)
    assert (degrade_photo(hr, level, "b") != lr).any()


def test_noise_of_the_levels():
    """A gray area stays gray on average. A web picture has no noise, a phone picture some, a hard one more."""
    noise = {level: [] for level in LEVELS}
    for index in range(8):
        for level in LEVELS:
            lr = degrade_photo(np.full((192, 192, 3), 120, np.uint8), level, str(index)).astype(float)
            assert lr.mean() == pytest.approx(120, abs=1.5)
            noise[level].append(lr.std())
    web, phone, hard = (np.mean(noise[level]) for level in LEVELS)
    assert web < 0.5
    assert 1 < phone < hard < 10


def test_detail_is_lost():
    """The mean gradient of a drawn picture's LR falls from the clean one to the hard level, noise included."""
    gradient = {level: 0.0 for level in ("clean", "web", "hard")}
    for index in range(6):
        hr = draw_picture(index, 96, 96)
        pictures = {"clean": imresize(hr, 24, 24)} | {level: degrade_photo(hr, level, str(index)) for level in LEVELS}
        for level in gradient:
            gradient[level] += np.abs(np.diff(pictures[level].astype(float), axis=0)).mean()
    assert gradient["hard"] < 0.9 * gradient["web"] < gradient["clean"]


@pytest.mark.parametrize("position", [(40, 40), (80, 44)])
def test_content_is_not_shifted(position):
    """A bright square of one LR pixel stays in its LR pixel at every level."""
    hr = np.full((128, 128, 3), 40, np.uint8)
    y, x = position
    hr[y : y + 12, x : x + 12] = 230
    for level in LEVELS:
        lr = degrade_photo(hr, level, "square").astype(float).mean(axis=2)
        weights = np.clip(lr - 60, 0, None)
        rows, columns = np.indices(lr.shape)
        assert (weights * rows).sum() / weights.sum() == pytest.approx(y / 4 + 1, abs=0.35)
        assert (weights * columns).sum() / weights.sum() == pytest.approx(x / 4 + 1, abs=0.35)


def test_kernels():
    np.testing.assert_allclose(disc_kernel(0.5), disc_kernel(0.5).T)
    assert disc_kernel(0.25)[1, 1] == 1  # smaller than a pixel: no blur
    disc = disc_kernel(2.0)
    assert disc.shape == (5, 5)
    assert disc.sum() == pytest.approx(1)
    # The centre pixel is covered whole, so its weight is one pixel over the area pi r^2.
    assert disc[2, 2] == pytest.approx(1 / (np.pi * 4), rel=0.02)
    np.testing.assert_allclose(line_kernel(3.0, 0.0), [[0] * 5, [0] * 5, [0, 1 / 3, 1 / 3, 1 / 3, 0], [0] * 5, [0] * 5])
    np.testing.assert_allclose(line_kernel(3.0, np.pi / 2), line_kernel(3.0, 0.0).T, atol=1e-12)


def test_errors():
    hr = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="unknown level 'bad'"):
        degrade_photo(hr, "bad", "a")
    with pytest.raises(ValueError, match="must be multiples of 4"):
        degrade_photo(hr[:7], "web", "a")
