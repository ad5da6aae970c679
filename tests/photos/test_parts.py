"""--crop and --mask."""

import numpy as np
import pytest
from PIL import Image
from support.photos import samples

from srgan_tf.errors import WorkError
from srgan_tf.inference.upscalers import BicubicUpscaler, network_upscaler
from srgan_tf.photos.formats import Photo, read_photo
from srgan_tf.photos.parts import Crop, read_mask
from srgan_tf.photos.upscale import Enlargement, enlarge, upscale_photo


def pixels(upscaler, picture, **options):
    result = enlarge(upscaler, Photo(picture, None, {}, ()), **options)
    joined = np.concatenate(list(result.stripes))
    assert joined.shape == (result.height, result.width, result.channels)
    return joined


@pytest.mark.parametrize("crop", [(0, 0, 40, 30), (13, 7, 10, 11), (0, 20, 40, 10), (39, 29, 1, 1)])
@pytest.mark.parametrize("tile", [None, 9])
def test_a_crop_is_the_part_of_the_whole_result(rng, small_generator, crop, tile):
    picture, upscaler = samples(rng, 3, size=(30, 40)), network_upscaler(small_generator, "small")
    left, top, width, height = (4 * side for side in crop)
    part = pixels(upscaler, picture, enlargement=Enlargement(crop=Crop(*crop)), tile=tile)
    whole = pixels(upscaler, picture)[top : top + height, left : left + width]
    assert np.abs(part.astype(int) - whole).max() <= 1  # the order of sums depends on the size
    assert (part == whole).mean() > 0.99


def test_a_crop_has_the_size_of_its_part_in_the_whole(tmp_path, rng):
    photo = Photo(samples(rng, 3, size=(30, 40)), None, {}, ())
    crop = Crop(10, 5, 20, 10)
    for enlargement, size in ((Enlargement(3, crop=crop), (60, 30)), (Enlargement(box=(80, 90), crop=crop), (40, 20))):
        assert upscale_photo(BicubicUpscaler(2), photo, tmp_path / "a.png", enlargement=enlargement) == size
        assert read_photo(tmp_path / "a.png").colour.shape == (size[1], size[0], 3)


def test_a_crop_outside_of_the_image_is_named(run_script, tmp_path, rng):
    Image.fromarray(samples(rng, 3)).save(tmp_path / "a.png")
    arguments = [tmp_path / "a.png", "--model", "bicubic", "--output", tmp_path / "out"]
    code, out, _ = run_script("upscale", *arguments, "--crop", "10,0,14,19")
    assert code == 1
    assert f"failed: '{tmp_path / 'a.png'}': the crop 10,0,14,19 is not inside its 23x19 pixels" in out
    assert run_script("upscale", *arguments, "--crop", "10,0,13,19")[0] == 0
    assert read_photo(tmp_path / "out" / "a.png").colour.shape == (76, 52, 3)
    code, _, err = run_script("upscale", *arguments, "--crop", "1,2,0,4")
    assert code == 2
    assert "expected X,Y,WIDTH,HEIGHT in pixels" in err


class White(BicubicUpscaler):
    """Makes everything white, and counts the tiles."""

    def __init__(self):
        super().__init__(2)
        self.tiles = 0

    def upscale(self, lr):
        self.tiles += 1
        return np.ones((2 * lr.shape[0], 2 * lr.shape[1], 3), np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_white_is_enhanced_and_black_is_bicubic(rng, dtype):
    picture = samples(rng, 3, dtype, size=(32, 64)) // 2
    mask = np.zeros((32, 64, 1), dtype)
    mask[:, 40:] = np.iinfo(dtype).max
    upscaler = White()
    result = pixels(upscaler, picture, mask=mask, tile=8)
    np.testing.assert_array_equal(result[:, :72], pixels(BicubicUpscaler(2), picture)[:, :72])
    assert (result[:, 88:] == np.iinfo(dtype).max).all()
    assert upscaler.tiles < 4 * 8  # black tiles are not given to the network


def test_a_mask_has_soft_edges_and_any_size(tmp_path):
    Image.fromarray(np.uint8([[0, 255]] * 1).repeat(10, 0).repeat(10, 1)).save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png", 80, 40, np.uint8)
    assert mask.shape == (40, 80, 1)
    row = mask[20, :, 0].astype(int)
    assert (row[:28].max(), row[52:].min()) == (0, 255)
    assert (np.diff(row) >= 0).all()
    assert np.diff(row).max() < 80
    assert read_mask(tmp_path / "mask.png", 80, 40, np.uint16).max() == 65_535
    with pytest.raises(WorkError, match="20x10 pixels has another aspect ratio than the image of 40x40"):
        read_mask(tmp_path / "mask.png", 40, 40, np.uint8)


def test_the_mask_of_the_command_line(run_script, tmp_path, rng):
    Image.fromarray(samples(rng, 3, size=(20, 40))).save(tmp_path / "a.png")
    Image.new("L", (40, 20), 0).save(tmp_path / "mask.png")
    arguments = [tmp_path / "a.png", "--output", tmp_path / "out"]
    assert run_script("upscale", *arguments, "--model", "compact_x4", "--mask", tmp_path / "mask.png")[0] == 0
    masked = read_photo(tmp_path / "out" / "a.png").colour.astype(int)
    assert run_script("upscale", *arguments, "--model", "bicubic")[0] == 0
    assert np.abs(masked - read_photo(tmp_path / "out" / "a.png").colour).max() <= 1  # rounded once, not twice
    code, _, err = run_script("upscale", *arguments, "--mask", tmp_path / "missing.png")
    assert code == 1
    assert "missing.png" in err
