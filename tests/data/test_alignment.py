import numpy as np
import pytest

from srgan_tf.data.alignment import align_pair, estimate_shift
from srgan_tf.data.pairs import Pair, make_pair
from srgan_tf.data.pipeline import load_pairs
from srgan_tf.data.sources import Source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.resize import imresize


def shifted_pair(index, shift, scale=4, side=192, sigma=1.2, noise=6.0):
    """A drawn picture, and its LR: moved by whole HR pixels, blurred, decimated, darker, with noise."""
    rng = np.random.default_rng(index)
    margin = 48
    large = draw_picture(index, side + 2 * margin, side + 2 * margin).astype(float)
    hr = large[margin:-margin, margin:-margin].astype(np.uint8)
    top, left = (margin - part for part in shift)
    moved = large[top - 8 : top + side + 8, left - 8 : left + side + 8]
    taps = np.exp(-(np.arange(-8, 9) ** 2) / (2 * (sigma * scale / 2) ** 2))
    taps /= taps.sum()
    for axis in (0, 1):
        moved = np.apply_along_axis(np.convolve, axis, moved, taps, "valid")
    lr = moved.reshape(side // scale, scale, side // scale, scale, 3).mean(axis=(1, 3))
    lr = 0.9 * lr + 5 + rng.normal(0, noise, lr.shape)
    return Pair(str(index), np.clip(np.rint(lr), 0, 255).astype(np.uint8), hr)


@pytest.mark.parametrize("index", [0, 7, 14, *(pytest.param(n, marks=pytest.mark.slow) for n in range(20) if n % 7)])
def test_known_shifts_are_found_within_a_tenth_of_an_lr_pixel(index):
    shift = np.random.default_rng((1, index)).integers(-18, 19, 2)
    pair = shifted_pair(index, shift)
    np.testing.assert_allclose(estimate_shift(pair.lr, pair.hr, 4), shift / 4, atol=0.1)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_bicubic_lr_is_not_shifted(scale):
    pair = make_pair("", draw_picture(3, 240, 288), scale)
    np.testing.assert_allclose(estimate_shift(pair.lr, pair.hr, scale), 0, atol=0.02)


def test_pictures_without_texture_or_likeness_have_no_shift(rng):
    flat = np.full((160, 160, 3), 90, np.uint8)
    assert estimate_shift(flat[::4, ::4], flat, 4) == (0.0, 0.0)
    tiny = draw_picture(0, 16, 16)
    assert all(abs(part) <= 2 for part in estimate_shift(imresize(tiny, 4, 4), tiny, 4))


@pytest.mark.parametrize("shift", [(0, 0), (7, -5), (-8, 4), (-1, 13)])
def test_an_aligned_pair_shows_the_same(shift):
    pair = shifted_pair(2, shift, sigma=0.5, noise=0.0)
    lr, hr = align_pair(pair, 4)[1:]
    assert hr.shape == (4 * lr.shape[0], 4 * lr.shape[1], 3)
    # No more than the rows and columns of the shift are lost, rounded up to LR pixels.
    assert lr.shape[:2] == tuple(48 - -(-abs(part) // 4) for part in shift)
    np.testing.assert_allclose(estimate_shift(lr, hr, 4), 0, atol=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("side", [256, 257, 270])
def test_large_pictures_are_compared_in_their_centre(side):
    pair = shifted_pair(7, (5, -9), side=4 * side)
    np.testing.assert_allclose(estimate_shift(pair.lr, pair.hr, 4), (1.25, -2.25), atol=0.1)


class Loader:
    scale = 4

    def __init__(self, pair):
        self.pair = pair

    def __call__(self):
        return self.pair

    def hr_size(self):
        return self.pair.hr.shape[:2]

    def identity(self):
        return ["pair", self.pair.name]


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_an_aligned_source_in_both_stores(tmp_path, store):
    source = Source("drawn", [Loader(shifted_pair(5, (6, 9))), Loader(shifted_pair(6, (0, 0)))], misaligned=True)
    aligned = source.aligned()
    assert not aligned.misaligned
    stored = load_pairs([aligned], store=store, cache=str(tmp_path))
    assert [pair.hr.shape for pair in stored] == [(46 * 4, 45 * 4, 3), (192, 192, 3)]
    window = (slice(0, 45), slice(0, 45))
    np.testing.assert_array_equal(stored[0].lr[window], source.loaders[0].pair.lr[2:47, 3:48])
    window = (slice(0, 180), slice(0, 180))
    np.testing.assert_array_equal(stored[0].hr[window], source.loaders[0].pair.hr[2:182, 3:183])
    # A store of the pairs as they are is another one, and pictures that have become too small are left out.
    assert load_pairs([source], store=store, cache=str(tmp_path))[0].hr.shape == (192, 192, 3)
    assert [pair.name for pair in load_pairs([aligned], min_hr_side=190, store=store, cache=str(tmp_path))] == ["6"]
