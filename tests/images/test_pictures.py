import io
import os
import pathlib
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from srgan_tf.errors import WorkError
from srgan_tf.images import pictures


def save(path, mode="RGB", colour=(0, 102, 204), size=(6, 4), **options):
    image = Image.new("RGB", size, colour)
    image.convert(mode).save(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("rgb.png", "RGB"),
        ("palette.png", "P"),
        ("rgba.png", "RGBA"),
        ("picture.webp", "RGB"),
        ("picture.bmp", "RGB"),
        ("picture.tif", "RGB"),
        ("cmyk.tif", "CMYK"),
        ("cmyk.jpg", "CMYK"),
        ("UPPER.JPG", "RGB"),
    ],
)
def test_every_format_and_mode_becomes_rgb(tmp_path, name, mode):
    options = {"lossless": True} if name.endswith("webp") else {}
    picture = pictures.read_picture(save(tmp_path / name, mode, **options))
    assert picture.dtype == np.uint8
    assert picture.shape == (4, 6, 3)
    np.testing.assert_allclose(picture[0, 0].astype(int), [0, 102, 204], atol=3)


@pytest.mark.parametrize("mode", ["L", "LA", "1"])
def test_grayscale_is_repeated(tmp_path, mode):
    picture = pictures.read_picture(save(tmp_path / "grey.png", mode, colour=(255, 255, 255)))
    assert picture.shape == (4, 6, 3)
    assert (picture == 255).all()


def test_sixteen_bits_keep_their_upper_eight(tmp_path):
    values = np.array([[0, 256, 65535, 32896]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(pictures.read_picture(tmp_path / "deep.png")[0, :, 0], [0, 1, 255, 128])


def test_sixteen_bit_colour_keeps_its_upper_eight(tmp_path):
    """Pillow writes no such PNG: this one is made chunk by chunk."""
    samples = np.array([[[0, 256, 65535], [32896, 511, 255]]], ">u2")
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" + samples.tobytes())), (b"IEND", b"")]
    encoded = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + encoded)
    np.testing.assert_array_equal(pictures.read_picture(tmp_path / "deep.png"), [[[0, 1, 255], [128, 1, 0]]])


def test_sizes_come_from_the_header(tmp_path):
    file = save(tmp_path / "wide.png", size=(60, 40))
    file.write_bytes(file.read_bytes()[:60])  # what is left cannot be decoded
    assert pictures.picture_size(file) == (40, 60)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(WorkError, match=r"text\.png.*not an image file"):
        pictures.picture_size(tmp_path / "text.png")


@pytest.mark.parametrize("mode", ["I", "F"])
def test_channels_without_a_known_range_are_refused(tmp_path, mode):
    Image.new(mode, (4, 4)).save(tmp_path / "deep.tif")
    with pytest.raises(WorkError, match=r"deep\.tif.*32-bit samples"):
        pictures.read_picture(tmp_path / "deep.tif")


def test_names_as_long_as_the_file_system_allows(tmp_path, rng):
    target = tmp_path / ("x" * 251 + ".png")
    pictures.write_picture(target, rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    assert pictures.read_picture(target).shape == (4, 4, 3)
    with pytest.raises(WorkError, match="cannot write"):
        pictures.write_picture(tmp_path / ("x" * 300 + ".png"), np.zeros((4, 4, 3), np.uint8))


def test_transparency_is_laid_on_white(tmp_path):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 255))
    image.save(tmp_path / "holes.png")
    np.testing.assert_array_equal(pictures.read_picture(tmp_path / "holes.png")[0, :, 0], [255, 0])


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    save(tmp_path / "phone.jpg", exif=exif)
    assert pictures.read_picture(tmp_path / "phone.jpg").shape == (6, 4, 3)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "header"])
def test_damaged_files_are_named(tmp_path, rng, damage):
    file = tmp_path / "damaged.png"
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(file)
    whole = file.read_bytes()
    file.write_bytes({"truncated": whole[:1000], "text": b"no picture", "empty": b"", "header": whole[:20]}[damage])
    with pytest.raises(WorkError, match=r"damaged\.png"):
        pictures.read_picture(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WorkError, match=r"missing\.png"):
        pictures.read_picture(tmp_path / "missing.png")


def test_writing_is_all_or_nothing(tmp_path, monkeypatch, rng):
    picture = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    target = tmp_path / "new" / "picture.png"
    pictures.write_picture(target, picture)
    np.testing.assert_array_equal(pictures.read_picture(target), picture)

    def fail(self, path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(WorkError, match=r"picture\.png': disk full"):
        pictures.write_picture(target, picture)
    assert [path.name for path in target.parent.iterdir()] == ["picture.png"]
    np.testing.assert_array_equal(pictures.read_picture(target), picture)


@pytest.mark.parametrize("read", ["srgan_tf.images.pictures.read_picture", "srgan_tf.photos.formats.read_photo"])
def test_ghostscript_is_never_started(tmp_path, read):
    """Pillow starts `gs` for a file of PostScript, whatever its suffix."""
    (tmp_path / "gs").write_text(f"#!/bin/sh\necho started >> {tmp_path}/log\necho 10\n")
    (tmp_path / "gs").chmod(0o755)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\nshowpage\n"
    (tmp_path / "x.png").write_bytes(eps)
    module, _, name = read.rpartition(".")
    script = f"from PIL import Image; from {module} import {name}; import sys\n"
    unrestricted = "Image.open(sys.argv[1]).load()"
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(code):
        command = [sys.executable, "-c", script + code, tmp_path / "x.png"]
        return subprocess.run(command, env=environment, capture_output=True, text=True)

    assert "PostScript files are not supported" in run(f"{name}(sys.argv[1])").stderr
    assert not (tmp_path / "log").exists()
    run(unrestricted)
    assert (tmp_path / "log").exists()  # so the file would have started it


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"%PDF-1.7", "PDF files are not supported"),
        (b"\xff\xd8\xff\xc1\0\x0b\x0c\0\x08\0\x08\x01\x01\x11\0", "JPEG files of 12 bits are not supported"),
        (b"\x89PNG\r\n\x1a\n", "header is damaged or cut off"),
        (b"\n\x0a\x05\x01\x08" + bytes(200), "not an image file"),  # PCX, which Pillow would read
    ],
)
def test_the_reason_names_the_format(tmp_path, content, reason):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(WorkError, match=rf"cannot read the image '.*x\.png': .*{reason}"):
        pictures.read_picture(tmp_path / "x.png")


def test_the_reason_describes_a_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.zeros((4, 5, 3), np.float32), photometric="rgb")
    with pytest.raises(WorkError, match="this kind of TIFF is not supported: float32, 3 samples per pixel, rgb"):
        pictures.read_picture(tmp_path / "x.tif")


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(WorkError, match="not a regular file"):
        pictures.read_picture(tmp_path / "x.png")
    with pytest.raises(WorkError, match="Is a directory"):
        pictures.read_picture(tmp_path)


def test_large_color_profiles(tmp_path):
    profile = os.urandom(1_500_000)
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", icc_profile=profile)
    assert pictures.read_picture(tmp_path / "a.png").shape == (4, 4, 3)
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG", icc_profile=bytes(20 << 20))
    assert len(file.getvalue()) < 100_000
    with pytest.raises(WorkError, match="too large"):
        pictures.read_picture(file)


def test_a_png_of_many_color_profiles_is_refused(tmp_path):
    """Each could take 16 MiB, and Pillow decompresses all of them."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG", icc_profile=b"profile")
    content = file.getvalue()
    start = content.index(b"iCCP") - 4
    chunk = content[start : start + 12 + int.from_bytes(content[start : start + 4], "big")]
    for copies, at in ((3, start), (4, start), (4, len(content) - 12)):  # the last: before IEND
        path = tmp_path / "a.png"
        path.write_bytes(content[:at] + copies * chunk + content[at:])
        if copies == 3:
            assert pictures.read_picture(path).shape == (4, 4, 3)
        else:
            with pytest.raises(WorkError, match="more than 4 colour profiles"):
                pictures.picture_size(path)


def test_white_is_zero_in_16_bit_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((2, 2), 40_000, np.uint16), photometric="miniswhite")
    assert pictures.read_picture(tmp_path / "a.tif")[0, 0].tolist() == [25_535 >> 8] * 3


def test_images_are_opened_in_one_place():
    package = pathlib.Path(pictures.__file__).parents[1]
    opening = {path.name for path in package.rglob("*.py") if re.search(r"\bImage\.open\(", path.read_text())}
    assert opening == {"pictures.py"}
