import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support.hostile import jpeg_of_scans

from srgan_tf.export.decoding import decode_picture
from srgan_tf.images.pictures import MAX_SCANS

LIMIT = 1 << 20


@pytest.fixture(scope="module")
def decode():
    return tf.function(
        lambda encoded: decode_picture(encoded, LIMIT, max_side=2000), input_signature=[tf.TensorSpec([], tf.string)]
    )


def smooth(height, width):
    """An image with the frequencies of a photograph, float64 [height, width, 3] in [0, 255]."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / 7 + columns / 11), np.cos(rows / 3 - columns / 5), np.sin(rows * columns / 900)]
    noise = np.random.default_rng(0).normal(0, 6, (height, width, 3))
    return np.clip(128 + 90 * np.stack(waves, axis=2) + noise, 0, 255)


@pytest.mark.parametrize("size", [(64, 48), (37, 51), (8, 8), (1, 1)])
@pytest.mark.parametrize("quality", [30, 90, 100])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0", "gray", "progressive"])
def test_jpegs_are_decoded_as_by_pillow(decode, sampling, quality, size):
    image = Image.fromarray(smooth(*size).astype(np.uint8))
    options = {"subsampling": sampling} if ":" in sampling else {"progressive": sampling == "progressive"}
    file = io.BytesIO()
    image.convert("L" if sampling == "gray" else "RGB").save(file, "JPEG", quality=quality, **options)
    expected = np.asarray(Image.open(file).convert("RGB"))
    np.testing.assert_array_equal(decode(file.getvalue()), expected)


def test_the_fast_dct_would_differ():
    file = io.BytesIO()
    Image.fromarray(smooth(64, 48).astype(np.uint8)).save(file, "JPEG", quality=90)
    fast = tf.io.decode_jpeg(file.getvalue(), dct_method="INTEGER_FAST").numpy()
    assert (fast != np.asarray(Image.open(file))).any()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *more, data=None):
    """A gray 8-bit PNG of zeros with more chunks before its pixels."""
    data = zlib.compress(bytes((width + 1) * height)) if data is None else data
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *more, chunk(b"IDAT", data), chunk(b"IEND", b"")])


BOMB = zlib.compress(b"A" * 100_000, 9)


@pytest.mark.parametrize(
    "text",
    [
        chunk(b"zTXt", b"C\0\0" + BOMB),
        chunk(b"zTXt", b"k" * 79 + b"\0\0" + BOMB),
        chunk(b"zTXt", b"\xff\xfe\0\0" + BOMB),
        chunk(b"iTXt", b"C\0\1\0\0\0" + BOMB),
    ],
)
def test_compressed_text_is_refused_before_it_is_inflated(decode, text):
    with pytest.raises(tf.errors.InvalidArgumentError, match="compressed text chunks are refused"):
        decode(png(8, 8, text))
    with pytest.raises(tf.errors.InvalidArgumentError, match="compressed text chunks are refused"):
        decode(png(8, 8)[:-12] + text + chunk(b"IEND", b""))


def test_plain_text_is_allowed(decode):
    texts = [chunk(b"tEXt", b"Comment\0plain"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>")]
    assert decode(png(8, 8, *texts)).shape == (8, 8, 3)


def test_bytes_out_of_proportion_are_refused(decode):
    assert decode(png(8, 8, chunk(b"tEXt", b"C\0" + b"A" * 1_000_000))).shape == (8, 8, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"has 11\d+ bytes and its 8 x 8 pixels .* need at most"):
        decode(png(8, 8, chunk(b"tEXt", b"C\0" + b"A" * 1_100_000)))


def test_the_largest_honest_png_is_allowed(decode):
    noise = np.random.default_rng(0).integers(0, 65536, (700, 800, 4), dtype=np.uint16)
    encoded = tf.io.encode_png(noise, compression=0).numpy()
    assert len(encoded) > 8 * 700 * 800
    assert decode(encoded).shape == (700, 800, 3)


def test_long_sides_are_refused(decode):
    assert decode(png(2000, 1)).shape == (1, 2000, 3)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"1 x 2001 pixels .* at most 2000 pixels a side"):
        decode(png(2001, 1))


@pytest.mark.parametrize("encoded", [b"", b"GIF89a" + bytes(40), png(9, 9)[:-30], b"\xff\xd8\xff" + bytes(40)])
def test_invalid_images_are_an_invalid_argument(decode, encoded):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode(encoded)


def test_jpegs_of_many_scans_are_refused(decode):
    encoded = jpeg_of_scans(MAX_SCANS)
    np.testing.assert_array_equal(decode(encoded), np.asarray(Image.open(io.BytesIO(encoded))))
    with pytest.raises(tf.errors.InvalidArgumentError, match="JPEG files of more than 256 scans are refused"):
        decode(jpeg_of_scans(MAX_SCANS + 1))
