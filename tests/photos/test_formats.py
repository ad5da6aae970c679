import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import ExifTags, Image, ImageCms
from support.photos import samples, stripes, write

from srgan_tf.errors import WorkError
from srgan_tf.images.pictures import read_picture
from srgan_tf.photos import formats
from srgan_tf.photos.formats import read_photo
from srgan_tf.photos.png import write_png

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(header, *chunks):
    """A PNG of IHDR's fields, (kind, content) chunks and the end."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *header)), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in chunks)


def joined(photo):
    return photo.colour if photo.alpha is None else np.concatenate([photo.colour, photo.alpha], axis=2)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_is_written_is_read(tmp_path, rng, channels, dtype, suffix):
    picture = samples(rng, channels, dtype)
    if suffix == ".tif" and dtype == np.uint16 and channels == 2:
        pytest.skip("Pillow knows no 16-bit gray with transparency in TIFF")
    write(tmp_path / f"a{suffix}", picture)
    np.testing.assert_array_equal(joined(read_photo(tmp_path / f"a{suffix}")), picture)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_other_decoders_read_the_png(rng, channels, dtype):
    # A gradient with noise, so that each filter is the best somewhere.
    rows, columns = np.mgrid[:70, :41]
    picture = (3 * rows + 5 * columns)[..., np.newaxis] + rng.integers(0, 4, (70, 41, channels)) * (rows % 3 == 0)[
        ..., None
    ]
    picture = picture.astype(dtype) * dtype(np.iinfo(dtype).max // 1000 or 1)
    file = io.BytesIO()
    write_png(file, stripes(picture), width=41, height=70, channels=channels, bits=8 * picture.itemsize)
    decoded = tf.io.decode_png(file.getvalue(), dtype=tf.as_dtype(dtype))
    np.testing.assert_array_equal(decoded, picture)
    Image.open(io.BytesIO(file.getvalue())).verify()
    assert len(file.getvalue()) < 0.6 * picture.nbytes  # filtered, else it would hardly shrink


def test_wrong_stripes_are_refused():
    for stripe, height in ((np.zeros((3, 5, 3), np.uint8), 4), (np.zeros((3, 6, 3), np.uint8), 3)):
        with pytest.raises(ValueError, match="Received"):
            write_png(io.BytesIO(), [stripe], width=5, height=height, channels=3, bits=8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("bits", [8, 16])
def test_every_orientation(tmp_path, rng, orientation, bits):
    picture = samples(rng, 3, np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as file:
        from PIL import ImageOps

        expected = np.asarray(ImageOps.exif_transpose(file))
    if bits == 16:
        write(tmp_path / "a.png", picture.astype(np.uint16) * 257, {"exif": exif.tobytes()})
        expected = expected.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png").colour, expected)


def test_sixteen_bits_of_both_byte_orders(tmp_path, rng):
    picture = samples(rng, 3, np.uint16)
    for order in "<>":
        tifffile.imwrite(tmp_path / "a.tif", picture, byteorder=order, photometric="rgb")
        np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").colour, picture)
        tifffile.imwrite(tmp_path / "a.tif", picture[..., 0], byteorder=order, photometric="minisblack")
        np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").colour, picture[..., :1])
    planes = np.moveaxis(picture, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").colour, picture)


def test_cmyk_by_its_profile_or_without(tmp_path):
    Image.new("CMYK", (4, 3), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    assert read_photo(tmp_path / "a.tif").colour[0, 0].tolist() == [255, 0, 0]
    Image.new("CMYK", (4, 3), (0, 255, 255, 0)).save(tmp_path / "a.jpg", icc_profile=b"no profile", quality=100)
    photo = read_photo(tmp_path / "a.jpg")
    assert np.abs(photo.colour[0, 0].astype(int) - [255, 0, 0]).max() <= 2
    assert "icc_profile" not in photo.metadata  # it described CMYK


def test_the_first_of_several_frames(tmp_path):
    frames = [Image.new("RGB", (5, 4), colour) for colour in ("red", "lime")]
    for suffix in ("gif", "webp", "tif", "png"):
        path = tmp_path / f"a.{suffix}"
        options = {"lossless": True} if suffix == "webp" else {}
        frames[0].save(path, save_all=True, append_images=frames[1:], **options)
        photo = read_photo(path)
        assert photo.notes == ("only the first of its 2 frames",)
        assert photo.colour[0, 0].tolist() == [255, 0, 0]


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path):
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = struct.pack(">II", 60_000, 60_000)
    data[29:33] = struct.pack(">I", __import__("zlib").crc32(data[12:29]))
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(WorkError, match=r"60000x60000 pixels are more than 250 million .*--allow-huge"):
        read_photo(tmp_path / "a.png")
    Image.new("L", (100, 100)).save(tmp_path / "a.png")
    with pytest.raises(WorkError, match=r"more than 0\.005 million"):
        read_photo(tmp_path / "a.png", max_pixels=5000)
    before = Image.MAX_IMAGE_PIXELS
    assert read_photo(tmp_path / "a.png", max_pixels=None).colour.shape == (100, 100, 1)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (3, 2)])
def test_one_colour_of_16_bits_that_is_invisible(tmp_path, channels, colour_type):
    """A PNG's tRNS chunk, which Pillow reads with 8 bits and TensorFlow not at all."""
    pixels = np.full((2, 3, channels), 40_000, np.uint16)
    pixels[1, 2] = 513
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    (tmp_path / "x.png").write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 2, 16, colour_type, 0, 0, 0))
        + chunk(b"tRNS", struct.pack(">H", 513) * channels)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    photo = read_photo(tmp_path / "x.png")
    np.testing.assert_array_equal(photo.colour, pixels)
    np.testing.assert_array_equal(photo.alpha[..., 0], [[65_535] * 3, [65_535, 65_535, 0]])


@pytest.mark.parametrize("dpi", [(float("nan"), 72), (4e9, 4e9), (0, 0)])
def test_an_invalid_resolution_is_ignored(tmp_path, dpi):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "x.tif")
    with Image.open(tmp_path / "x.tif") as file:
        file.load()
        file.info["dpi"] = dpi
        photo = formats._decode(file, None)
    assert "dpi" not in photo.metadata


@pytest.mark.parametrize(
    ("bits", "row", "transparent", "gray", "alpha"),
    [
        (1, 0b01000000, 1, [0, 255], [255, 0]),
        (2, 0b01100000, 2, [85, 170], [255, 0]),
        (4, 0x3C, 3, [51, 204], [0, 255]),
        (8, None, 3, [3, 204], [0, 255]),
    ],
)
@pytest.mark.parametrize("reader", [read_photo, read_picture])
def test_one_transparent_level_of_any_bit_depth(tmp_path, bits, row, transparent, gray, alpha, reader):
    data = b"\0" + (bytes(gray) if row is None else bytes([row]))
    file = tmp_path / "x.png"
    file.write_bytes(
        png((2, 1, bits, 0, 0, 0, 0), (b"tRNS", struct.pack(">H", transparent)), (b"IDAT", zlib.compress(data)))
    )
    if reader is read_photo:
        assert read_photo(file).colour[0, :, 0].tolist() == gray
        assert read_photo(file).alpha[0, :, 0].tolist() == alpha
    else:
        assert read_picture(file)[0, :, 0].tolist() == [
            level if opaque else 255 for level, opaque in zip(gray, alpha, strict=True)
        ]


@pytest.mark.parametrize("orientation", [None, 6])
def test_white_is_zero(tmp_path, rng, orientation):
    picture = samples(rng, 1, np.uint16)[..., 0]
    tags = [(274, "H", 1, orientation, True)] if orientation else []
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="miniswhite", extratags=tags)
    expected = 65_535 - picture
    expected = np.rot90(expected, -1) if orientation else expected
    np.testing.assert_array_equal(read_photo(tmp_path / "a.tif").colour[..., 0], expected)


def test_associated_alpha_of_16_bits(tmp_path):
    picture = np.full((8, 8, 4), 20_000, np.uint16)
    picture[..., 3] = 32_768
    picture[0] = 0
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", extrasamples=["assocalpha"])
    photo = read_photo(tmp_path / "a.tif")
    assert photo.colour[0].max() == 0
    assert photo.alpha[:2, 0, 0].tolist() == [0, 32_768]
    assert photo.colour[1, 0].tolist() == [39_999] * 3  # 20000 * 65535 / 32768 = 39999.4
    tifffile.imwrite(tmp_path / "a.tif", picture, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(joined(read_photo(tmp_path / "a.tif")), picture)


def test_gamma_and_chromaticity_are_kept_in_png(tmp_path):
    white = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
    chunks = [(b"cHRM", struct.pack(">8I", *white)), (b"gAMA", struct.pack(">I", 45_455))]
    (tmp_path / "a.png").write_bytes(png((2, 1, 8, 0, 0, 0, 0), *chunks, (b"IDAT", zlib.compress(b"\0\x10\x20"))))
    photo = read_photo(tmp_path / "a.png")
    write(tmp_path / "b.png", photo.colour, photo.metadata)
    written = (tmp_path / "b.png").read_bytes()
    for kind, content in chunks:
        assert chunk(kind, content) in written
    for suffix in (".tif", ".jpg", ".webp"):
        write(tmp_path / f"b{suffix}", photo.colour, photo.metadata)
        assert "gamma" not in read_photo(tmp_path / f"b{suffix}").metadata


def test_16_bit_cmyk_is_noted(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((3, 4, 4), np.uint16), photometric="separated")
    photo = read_photo(tmp_path / "a.tif")
    assert photo.notes == ("its 16-bit CMYK is read with 8 bits",)
    assert (photo.colour == 255).all()


def test_a_damaged_16_bit_png_gives_a_plain_reason(tmp_path):
    (tmp_path / "a.png").write_bytes(png((2, 1, 16, 2, 0, 0, 0), (b"IDAT", b"damaged")))
    with pytest.raises(WorkError, match=r"a\.png': (?!\{\{)"):
        read_photo(tmp_path / "a.png")
