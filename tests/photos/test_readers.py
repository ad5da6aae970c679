"""PNG and TIFF of every kind against independent readers: pypng, tifffile and OpenCV; or the array that was written."""

import io
import itertools

import numpy as np
import pytest
import tifffile

from srgan_tf.errors import WorkError
from srgan_tf.images.pictures import read_picture
from srgan_tf.photos.formats import read_photo

SIZE = (9, 13)


def direct(content):
    """Colour and alpha by pypng, uint8 or uint16; alpha is None if the file has none."""
    png = pytest.importorskip("png")
    width, height, rows, info = png.Reader(bytes=content).asDirect()
    bits = info["bitdepth"]
    pixels = np.array([np.array(row) for row in rows], np.uint16).reshape(height, width, info["planes"])
    if bits < 8:
        pixels = pixels * 255 // (2**bits - 1)
    pixels = pixels if bits == 16 else pixels.astype(np.uint8)
    return (pixels[..., :-1], pixels[..., -1:]) if info["alpha"] else (pixels, None)


def assert_read_as(path, colour, alpha):
    photo = read_photo(path)
    assert photo.colour.dtype == colour.dtype
    np.testing.assert_array_equal(photo.colour, colour)
    shape = (*colour.shape[:2], 3)
    if alpha is None:
        assert photo.alpha is None
        np.testing.assert_array_equal(read_picture(path), np.broadcast_to(upper_eight(colour), shape))
    else:
        np.testing.assert_array_equal(photo.alpha, alpha)
        opacity = upper_eight(alpha) / 255
        on_white = np.broadcast_to(upper_eight(colour) * opacity + 255 * (1 - opacity), shape)
        np.testing.assert_allclose(read_picture(path), on_white, atol=2)


def upper_eight(samples):
    return samples if samples.dtype == np.uint8 else (samples >> 8).astype(np.uint8)


PNGS = [
    *({"greyscale": True, "bitdepth": bits} for bits in (1, 2, 4, 8, 16)),
    *({"greyscale": True, "bitdepth": bits, "transparent": 1} for bits in (1, 2, 4, 8, 16)),
    *({"greyscale": True, "bitdepth": bits, "alpha": True} for bits in (8, 16)),
    *({"greyscale": False, "bitdepth": bits} for bits in (8, 16)),
    *({"greyscale": False, "bitdepth": bits, "transparent": (1, 2, 3)} for bits in (8, 16)),
    *({"greyscale": False, "bitdepth": bits, "alpha": True} for bits in (8, 16)),
    *({"palette": channels, "bitdepth": bits} for channels, bits in itertools.product((3, 4), (1, 2, 4, 8))),
]


@pytest.mark.parametrize("interlace", [False, True])
@pytest.mark.parametrize("kind", PNGS, ids=lambda kind: "-".join(f"{key}={value}" for key, value in kind.items()))
def test_png(tmp_path, rng, kind, interlace):
    png = pytest.importorskip("png")
    levels = 2 ** kind["bitdepth"]
    if "palette" in kind:
        entries = rng.integers(0, 256, (levels, kind["palette"]))
        kind = kind | {"palette": [tuple(map(int, entry)) for entry in entries]}
        channels = 1
    else:
        channels = (1 if kind["greyscale"] else 3) + kind.get("alpha", False)
    pixels = rng.integers(0, levels, (*SIZE, channels))
    if "transparent" in kind:
        pixels[2:5, 3:7] = kind["transparent"]
        pixels[6, 6] = np.add(kind["transparent"], levels // 2) % levels  # differs in one bit
    file = io.BytesIO()
    png.Writer(SIZE[1], SIZE[0], interlace=interlace, **kind).write(file, pixels.reshape(SIZE[0], -1).tolist())
    (tmp_path / "a.png").write_bytes(file.getvalue())
    colour, alpha = direct(file.getvalue())
    if "transparent" in kind:
        assert (alpha[2:5, 3:7] == 0).all()
        assert (alpha > 0).any()
    assert_read_as(tmp_path / "a.png", colour, alpha)


def unassociated(pixels):
    """Colours divided by their alpha, rounded down for 8 bits (Pillow) and to the nearest for 16 bits."""
    most = np.iinfo(pixels.dtype).max
    colour, alpha = pixels[..., :-1].astype(np.int64), pixels[..., -1:].astype(np.int64)
    half = 0 if most == 255 else alpha // 2
    return np.minimum((colour * most + half) // np.maximum(alpha, 1), most)


TIFFS = list(
    itertools.product(
        ("minisblack", "miniswhite", "rgb"),
        (np.uint8, np.uint16),
        (None, "unassalpha", "assocalpha"),
        ("contig", "separate"),
        ("<", ">"),
        (None, "zlib"),
    )
)


@pytest.mark.parametrize(("photometric", "dtype", "extra", "planar", "order", "compression"), TIFFS)
def test_tiff(tmp_path, rng, photometric, dtype, extra, planar, order, compression):
    """Each is read right, except for layouts that Pillow has no decoder for; those are refused.

    They are gray with alpha unless it has 8 bits, is interleaved and has black as 0; big-endian 16-bit gray with white
    as 0; and 8-bit premultiplied RGBA in uncompressed planes.
    """
    most = np.iinfo(dtype).max
    channels = 3 if photometric == "rgb" else 1
    if planar == "separate" and channels == 1 and extra is None:
        pytest.skip("one channel has no planes")
    pixels = rng.integers(0, int(most) + 1, (*SIZE, channels + (extra is not None)), dtype=dtype)
    if extra == "assocalpha":
        pixels[..., -1] = rng.integers(1, int(most) + 1, SIZE)
        pixels[..., :-1] = np.minimum(pixels[..., :-1], pixels[..., -1:])
    path = tmp_path / "a.tif"
    stored = np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels
    tifffile.imwrite(
        path,
        np.ascontiguousarray(stored if pixels.shape[2] > 1 else pixels[..., 0]),
        photometric=photometric,
        planarconfig=planar if pixels.shape[2] > 1 else None,
        extrasamples=[extra] if extra else (),
        byteorder=order,
        compression=compression,
    )
    colour, alpha = (pixels[..., :-1], pixels[..., -1:]) if extra else (pixels, None)
    if extra == "assocalpha":
        colour = unassociated(pixels).astype(dtype)
    if photometric == "miniswhite":
        colour = most - colour
    refused = (
        (photometric != "rgb" and extra and (dtype, planar, photometric) != (np.uint8, "contig", "minisblack"))
        or (photometric, dtype, order) == ("miniswhite", np.uint16, ">")
        or (photometric, dtype, extra, planar, compression) == ("rgb", np.uint8, "assocalpha", "separate", None)
    )
    if refused:
        with pytest.raises(WorkError, match="this kind of TIFF is not supported"):
            read_photo(path)
    else:
        assert_read_as(path, colour, alpha)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("order", ["<", ">"])
def test_samples_that_are_not_alpha_are_dropped(tmp_path, rng, dtype, order):
    pixels = rng.integers(0, np.iinfo(dtype).max + 1, (*SIZE, 4), dtype=dtype)
    options = {"photometric": "rgb", "extrasamples": ["unspecified"], "byteorder": order}
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    assert_read_as(tmp_path / "a.tif", pixels[..., :3], None)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
@pytest.mark.parametrize("channels", [1, 3])
def test_signed_samples_are_refused(tmp_path, dtype, channels):
    pixels = np.full((*SIZE, channels), -7, dtype)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb" if channels == 3 else "minisblack")
    for read in (read_photo, read_picture):
        with pytest.raises(WorkError, match=r"this kind of TIFF is not supported|have no known range"):
            read(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_opencv_reads_the_same(tmp_path, rng, suffix, dtype, channels):
    cv2 = pytest.importorskip("cv2")
    pixels = rng.integers(0, np.iinfo(dtype).max + 1, (*SIZE, channels), dtype=dtype)
    path = str(tmp_path / f"a.{suffix}")
    assert cv2.imwrite(path, pixels[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 1] if suffix == "tif" else [])
    assert_read_as(path, pixels, None)
