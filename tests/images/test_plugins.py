"""Formats that need a plugin."""

import io

import numpy as np
import pytest
from PIL import Image

from srgan_tf.errors import WorkError
from srgan_tf.images import plugins
from srgan_tf.images.pictures import open_image, picture_size, read_picture
from srgan_tf.images.plugins import jxl_size, plugin_format


@pytest.mark.parametrize(
    ("header", "size"),
    [
        # After the signature, least significant bit first: small, height / 8 - 1 (5 bits), ratio (3 bits).
        (0b001_00000_1, (8, 8)),
        (0b011_11111_1, (256 * 4 // 3, 256)),
        (0b00100_000_00001_1, (40, 16)),  # ratio 0: width / 8 - 1 follows
        (0b001_000001011_00_0, (12, 12)),  # a side of 9 bits
        (0b0000000000111_01_000_0000000000001_01_0, (8, 2)),  # two sides of 13 bits
    ],
)
def test_the_size_of_a_jpeg_xl(header, size):
    codestream = b"\xff\x0a" + header.to_bytes(8, "little")
    assert jxl_size(io.BytesIO(codestream)) == size
    signature = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    for box in (b"\0\0\0\0jxlc", b"\0\0\0\1jxlc\0\0\0\0\0\0\0\x1a", b"\0\0\0\0jxlp\0\0\0\0"):
        assert jxl_size(io.BytesIO(signature + box + codestream)) == size


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\x0a",
        b"\0\0\0\x0cJXL \r\n\x87\n",
        b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\0free" * 20,
        b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x08free" * 200,
        b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\0jxlcxx",
    ],
)
def test_a_damaged_jpeg_xl_has_no_size(content):
    with pytest.raises(ValueError, match="its header is damaged or cut off"):
        jxl_size(io.BytesIO(content))


def test_formats_by_their_first_bytes():
    assert plugin_format(b"\0\0\0\x18ftypheic" + bytes(20)) == "HEIF"
    assert plugin_format(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "HEIF"
    assert plugin_format(b"\0\0\0\x18ftypmif1\0\0\0\0avifmif1") is None
    assert plugin_format(b"\0\0\0\x18ftypavif") is None
    assert plugin_format(b"\xff\x0a") == "JXL"
    assert plugin_format(b"") is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(20), r"the format HEIC needs pip install '\.\[formats\]'"),
        (b"\xff\x0a" + bytes(20), r"the format JPEG XL needs pip install '\.\[formats\]'"),
    ],
)
def test_a_missing_plugin(monkeypatch, content, reason):
    for name in ("HEIF", "JXL"):
        monkeypatch.setitem(plugins._MODULES, name, "no_such_plugin")
    with pytest.raises(WorkError, match=reason):
        read_picture(io.BytesIO(content))


def test_a_jpeg_xl_is_not_decoded_above_the_limit():
    pytest.importorskip("pillow_jxl")
    plugins.load_plugin("JXL")
    file = io.BytesIO()
    Image.new("RGB", (100, 100)).save(file, "JXL", effort=1)
    file.seek(0)
    assert picture_size(file) == (100, 100)
    file.seek(0)
    with (
        pytest.raises(WorkError, match=r"its 100x100 pixels are more than 0\.009999 million"),
        open_image(file, plugin_limit=9_999),
    ):
        pass


@pytest.mark.parametrize(("name", "kind"), [("pillow_heif", "HEIF"), ("pillow_jxl", "JXL")])
def test_orientation_is_applied_once(name, kind):
    pytest.importorskip(name)
    plugins.load_plugin(kind)
    exif = Image.Exif()
    exif[274] = 6
    picture = np.zeros((16, 32, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, exif=exif.tobytes())
    file.seek(0)
    # HEIC stores a rotation; in JPEG XL the orientation of EXIF has no effect (ISO/IEC 18181-2).
    assert read_picture(file).shape[:2] == ((32, 16) if kind == "HEIF" else (16, 32))


def test_a_heic_that_is_cut_off():
    pytest.importorskip("pillow_heif")
    with pytest.raises(WorkError, match="header is damaged or cut off"):
        read_picture(io.BytesIO(b"\0\0\0\x18ftypheic" + bytes(20)))
