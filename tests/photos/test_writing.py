"""Writing images: formats, limits, unfinished files."""

import pathlib

import numpy as np
import pytest
from PIL import Image, features
from support.photos import samples, write

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images import plugins
from srgan_tf.images.resize import imresize
from srgan_tf.photos import writing
from srgan_tf.photos.file_formats import FORMATS
from srgan_tf.photos.formats import read_photo
from srgan_tf.photos.writing import require_format, write_photo


def test_formats_that_cannot_store_the_image_are_refused(tmp_path):
    with pytest.raises(WorkError, match=r"16384x1 is more than the format's 16383 pixels a side"):
        write(tmp_path / "a.webp", np.zeros((1, 16384, 3), np.uint8))
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkError, match="cannot write"):
        write(tmp_path / "file" / "a.png", np.zeros((1, 1, 3), np.uint8))


def test_jpeg_lays_transparency_on_white_and_takes_16_bits(tmp_path):
    picture = np.full((16, 16, 4), 0, np.uint16)
    write(tmp_path / "a.jpg", picture)
    assert read_photo(tmp_path / "a.jpg").colour.min() > 250


def test_a_killed_writer_leaves_nothing(tmp_path):
    def broken():
        yield np.zeros((2, 5, 3), np.uint8)
        raise WorkError("out of pixels")

    with pytest.raises(WorkError, match="out of pixels"):
        write_photo(tmp_path / "a.png", broken(), width=5, height=4, channels=3, bits=8, metadata={})
    assert not list(pathlib.Path(tmp_path).iterdir())


@pytest.mark.parametrize("name", ["avif", "jxl", "heic"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_new_formats_are_read_as_they_were_written(tmp_path, name, channels):
    if name == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if name in ("jxl", "heic"):
        pytest.importorskip({"jxl": "pillow_jxl", "heic": "pillow_heif"}[name])
    require_format(name)
    rows, columns = np.mgrid[:40, :50]
    planes = [4 * rows, 5 * columns, 3 * (rows + columns) // 2, 255 - 2 * rows]
    picture = np.stack(planes[:channels], axis=-1).astype(np.uint8)
    path = tmp_path / f"a{FORMATS[name]}"
    write(path, picture, {"xmp": b"<x/>"})
    photo = read_photo(path)
    decoded = photo.colour if photo.alpha is None else np.concatenate([photo.colour, photo.alpha], axis=2)
    if name == "avif" and channels == 1:  # Pillow reads it as RGB
        decoded = decoded[..., :1]
    assert decoded.shape == picture.shape
    assert np.abs(decoded.astype(int) - picture).mean() < 2
    assert b"<x/>" in path.read_bytes()


def test_a_format_whose_plugin_is_missing(monkeypatch):
    monkeypatch.setitem(plugins._MODULES, "JXL", "no_such_plugin")
    with pytest.raises(
        UserError,
        match=r"the format JPEG XL needs pip install '\.\[formats\]' in the checkout of srgan_tf \(no module 'no_such",
    ):
        require_format("jxl")
    monkeypatch.setattr(writing.features, "check", lambda name: False)
    with pytest.raises(UserError, match=r"AVIF needs Pillow 11\.3"):
        require_format("avif")


def test_deep_pictures_are_reduced_to_8_bits(tmp_path, rng):
    deep = np.full((16, 16, 3), 40_000, np.uint16)
    write(tmp_path / "a.webp", deep)
    assert abs(int(read_photo(tmp_path / "a.webp").colour.mean()) - round(40_000 / 257)) <= 1
    assert samples(rng, 3).dtype == np.uint8


@pytest.mark.parametrize(
    ("name", "kind", "module"), [("avif", "AVIF", None), ("jxl", "JXL", "pillow_jxl"), ("heic", "HEIF", "pillow_heif")]
)
def test_pixels_and_metadata_of_upscaled_files(run_script, tmp_path, name, kind, module):
    if module:
        pytest.importorskip(module)
    require_format(name)
    exif = Image.Exif()
    exif[315] = "A. Painter"  # Artist
    picture = draw_picture(0, 20, 28)
    Image.fromarray(picture).save(tmp_path / f"a.{name}", kind, quality=95, exif=exif.tobytes(), xmp=b"<x/>")
    decoded = read_photo(tmp_path / f"a.{name}")
    assert np.abs(decoded.colour.astype(int) - picture).mean() < 6  # it has fine texture
    code, _, _ = run_script("upscale", tmp_path, "--model", "bicubic", "--scale", "2", "--output", tmp_path / "out")
    assert code == 0
    result = read_photo(tmp_path / "out" / "a.png")
    expected = imresize(decoded.colour / 255, 40, 56).clip(0, 1) * 255
    assert np.abs(result.colour - expected).max() < 0.51
    kept = Image.Exif()
    kept.load(result.metadata["exif"])
    assert kept[315] == "A. Painter"
    assert result.metadata["xmp"] == b"<x/>"
