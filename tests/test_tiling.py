import numpy as np
import pytest

from srgan_tf.tiling import apply_tiled


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
