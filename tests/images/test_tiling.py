import weakref

import numpy as np
import pytest

from srgan_tf.images import tiling
from srgan_tf.images.tiling import blended_stripes, exact_stripes, row_blocks


def apply_tiled(function, image, *, scale, tile, halo):
    """The stripes of `exact_stripes`, joined."""
    return np.concatenate(list(exact_stripes(function, image, scale=scale, tile=tile, halo=halo)))


def blur_and_double(image):
    """A local function of receptive-field radius 2: a 5x5 box blur with zero padding, then pixels are repeated."""
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
    height, width = image.shape[:2]
    blurred = sum(padded[i : i + height, j : j + width] for i in range(5) for j in range(5))
    return blurred.repeat(2, axis=0).repeat(2, axis=1)


@pytest.mark.parametrize("size", [(1, 1), (17, 23), (16, 16), (5, 40)])
@pytest.mark.parametrize("tile", [1, 3, 8, 16, 100])
def test_tiles_with_enough_halo_equal_the_whole(rng, size, tile):
    image = rng.integers(0, 100, (*size, 3))
    tiled = apply_tiled(blur_and_double, image, scale=2, tile=tile, halo=2)
    np.testing.assert_array_equal(tiled, blur_and_double(image))


def test_too_little_halo_leaves_seams(rng):
    image = rng.integers(1, 100, (17, 23, 3))
    tiled = apply_tiled(blur_and_double, image, scale=2, tile=8, halo=1)
    assert (tiled != blur_and_double(image)).any()


def test_every_tile_has_one_shape(rng):
    shapes = set()

    def watch(image):
        shapes.add(image.shape)
        return blur_and_double(image)

    apply_tiled(watch, rng.random((37, 29, 3)), scale=2, tile=8, halo=2)
    assert shapes == {(12, 12, 3)}


@pytest.mark.parametrize(("tile", "halo"), [(0, 2), (4, -1)])
def test_wrong_sizes_are_refused(tile, halo):
    with pytest.raises(ValueError, match=f"tile={tile}, halo={halo}"):
        apply_tiled(blur_and_double, np.zeros((4, 4, 3)), scale=2, tile=tile, halo=halo)


def test_stripes_come_from_top_to_bottom(rng):
    image = rng.integers(0, 100, (37, 29, 3))
    stripes = list(exact_stripes(blur_and_double, image, scale=2, tile=8, halo=2))
    assert [len(stripe) for stripe in stripes] == [16, 16, 16, 16, 10]
    np.testing.assert_array_equal(np.concatenate(stripes), blur_and_double(image))


def test_an_axis_that_fits_one_tile_is_not_split(rng):
    calls = []

    def watch(image):
        calls.append(image.shape)
        return blur_and_double(image)

    apply_tiled(watch, rng.random((12, 30, 3)), scale=2, tile=8, halo=2)
    assert calls == [(12, 12, 3)] * 4


@pytest.mark.parametrize("stripes", [exact_stripes, blended_stripes])
def test_a_stripe_is_not_kept_in_memory_while_the_next_one_is_made(rng, stripes):
    context = {"halo": 2} if stripes is exact_stripes else {"overlap": 2}
    image = rng.random((96, 20, 3), np.float32)
    made, alive = [], []

    def watch(cut):
        alive.append(sum(reference() is not None for reference in made))
        return cut.repeat(2, 0).repeat(2, 1)

    def watched():
        for stripe in stripes(watch, image, scale=2, tile=16, **context):
            made.append(weakref.ref(stripe if stripe.base is None else stripe.base))
            yield stripe
            del stripe

    blocks = list(row_blocks(watched()))
    np.testing.assert_allclose(np.concatenate(blocks), image.repeat(2, 0).repeat(2, 1), rtol=1e-5)
    assert len(made) > 3
    assert set(alive) == {0}


def test_row_blocks(rng, monkeypatch):
    monkeypatch.setattr(tiling, "_BLOCK_BYTES", 100)
    stripes = [rng.integers(0, 256, (rows, 15, 2), dtype=np.uint8) for rows in (7, 1, 10)]  # 30 bytes a row
    blocks = list(row_blocks(stripes))
    assert [len(block) for block in blocks] == [3, 3, 1, 1, 3, 3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(blocks), np.concatenate(stripes))
    monkeypatch.setattr(tiling, "_BLOCK_BYTES", 1)
    assert len(list(row_blocks(stripes))) == 18


@pytest.mark.parametrize("size", [(17, 23), (8, 8), (40, 5), (1, 1)])
@pytest.mark.parametrize(("tile", "overlap"), [(4, 1), (8, 3), (5, 9), (100, 2)])
def test_blending_a_pointwise_function_changes_nothing(rng, size, tile, overlap):
    image = rng.random((*size, 3), np.float32)
    stripes = list(
        blended_stripes(lambda cut: cut.repeat(2, 0).repeat(2, 1), image, scale=2, tile=tile, overlap=overlap)
    )
    assert sum(map(len, stripes)) == 2 * size[0]
    np.testing.assert_allclose(np.concatenate(stripes), image.repeat(2, 0).repeat(2, 1), rtol=1e-5)


def test_blending_integers_rounds_them(rng):
    image = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    blended = np.concatenate(list(blended_stripes(lambda cut: cut, image, scale=1, tile=5, overlap=2)))
    assert blended.dtype == np.uint8
    np.testing.assert_array_equal(blended, image)


def test_blending_fades_from_tile_to_tile():
    # Two tiles of 20 with 4 pixels on each side, moved inwards: cuts 0-28 and 12-40, the second from 0, a multiple of
    # 16. The first tile gives 0, the second 1. The first has weight 4 up to pixel 22 and fades out over 4 pixels.
    levels = iter([0.0, 1.0])
    image = np.zeros((1, 40, 1), np.float32)
    (stripe,) = blended_stripes(lambda cut: cut + next(levels), image, scale=1, tile=20, overlap=4)
    first = np.clip(28 - (np.arange(40) + 0.5) - 2, 0, 4)
    np.testing.assert_allclose(stripe[0, :, 0], 4 / (first + 4), rtol=1e-6)


def test_attention_windows_of_tiles_are_those_of_the_whole_image(rng):
    def sort_in_windows(image):  # depends on its 16x16 window only
        windows = image.reshape(image.shape[0] // 16, 16, image.shape[1] // 16, 16, 3)
        return np.sort(np.sort(windows, axis=1), axis=3).reshape(image.shape)

    image = rng.random((320, 48, 3), np.float32)
    tiled = blended_stripes(sort_in_windows, image, scale=1, tile=64, overlap=32)
    np.testing.assert_allclose(np.concatenate(list(tiled)), sort_in_windows(image), rtol=1e-5)
