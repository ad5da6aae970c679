import numpy as np
import pytest

from srgan_tf.tiling import apply_tiled, blended_stripes, exact_stripes


def blur_and_double(image):
    """A local function of reach 2: a 5x5 box blur with zeros beyond the border, every pixel doubled."""
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


def test_what_one_cut_holds_is_done_once(rng):
    calls = []

    def watch(image):
        calls.append(image.shape)
        return blur_and_double(image)

    apply_tiled(watch, rng.random((12, 30, 3)), scale=2, tile=8, halo=2)
    assert calls == [(12, 12, 3)] * 4


@pytest.mark.parametrize("size", [(17, 23), (8, 8), (40, 5), (1, 1)])
@pytest.mark.parametrize(("tile", "overlap"), [(4, 1), (8, 3), (5, 9), (100, 2)])
def test_blending_a_pointwise_function_changes_nothing(rng, size, tile, overlap):
    image = rng.random((*size, 3), np.float32)
    stripes = list(
        blended_stripes(lambda cut: cut.repeat(2, 0).repeat(2, 1), image, scale=2, tile=tile, overlap=overlap)
    )
    assert sum(map(len, stripes)) == 2 * size[0]
    np.testing.assert_allclose(np.concatenate(stripes), image.repeat(2, 0).repeat(2, 1), rtol=1e-5)


def test_blending_fades_from_tile_to_tile():
    # Two tiles of 4 with 1 pixel on each side, moved inwards: cuts 0-6 and 2-8; the first gives 0, the second 1. In
    # what they share the weights are 2, 2, 1.5, 0.5 of the first against 0.5, 1.5, 2, 2 of the second.
    levels = iter([0.0, 1.0])
    image = np.zeros((1, 8, 1), np.float32)
    (stripe,) = blended_stripes(lambda cut: cut + next(levels), image, scale=1, tile=4, overlap=1)
    expected = [0, 0, 0.5 / 2.5, 1.5 / 3.5, 2 / 3.5, 2 / 2.5, 1, 1]
    np.testing.assert_allclose(stripe[0, :, 0], expected, rtol=1e-6)
