"""Sixty image files of every mode and format, and invalid files, each with the result that is expected."""

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import ExifTags, Image, ImageCms

from srgan_tf.photos.writing import write_photo

WIDTH, HEIGHT = 13, 9
_RGB = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def write_odd_pictures(folder):
    """Writes the files.

    Returns:
        {name: the (width, height, channels, bits) that reading it gives, or a part of the reason why it fails}.
    """
    folder.mkdir(parents=True)
    expected = {}
    rgb = Image.fromarray(_RGB)
    alpha = Image.fromarray(np.indices((HEIGHT, WIDTH))[0].astype(np.uint8) * 30)
    rgba = rgb.copy()
    rgba.putalpha(alpha)

    def add(name, image, channels, size=(WIDTH, HEIGHT), bits=8, **options):
        image.save(folder / name, **options)
        expected[name] = (*size, channels, bits)

    def add_deep(name, channels, suffix):
        picture = np.random.default_rng(2).integers(0, 65536, (HEIGHT, WIDTH, channels), dtype=np.uint16)
        path = folder / f"{name}{suffix}"
        write_photo(path, [picture], width=WIDTH, height=HEIGHT, channels=channels, bits=16, metadata={})
        expected[path.name] = (WIDTH, HEIGHT, channels, 16)

    def fail(name, content, reason):
        (folder / name).write_bytes(content)
        expected[name] = reason

    for suffix in ("png", "jpg", "webp", "tif", "bmp"):
        add(f"rgb.{suffix}", rgb, 3)
    for suffix in ("png", "jpg", "tif", "bmp"):
        add(f"gray.{suffix}", rgb.convert("L"), 1)
    for suffix in ("png", "tif", "bmp"):
        add(f"palette.{suffix}", rgb.convert("P"), 3)
        add(f"bilevel.{suffix}", rgb.convert("1"), 1)
    for suffix in ("png", "webp", "tif"):
        add(f"rgba.{suffix}", rgba, 4)
    for suffix in ("png", "tif"):
        add(f"gray_alpha.{suffix}", rgba.convert("LA"), 2)
    add("palette_alpha.png", rgba.quantize(16), 4)
    add("gray_transparent_level.png", rgb.convert("L"), 2, transparency=7)
    add("rgb_transparent_colour.png", rgb, 4, transparency=(1, 2, 3))
    for suffix in ("jpg", "tif"):
        add(f"cmyk.{suffix}", rgb.convert("CMYK"), 3)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    add("profile.jpg", rgb, 3, icc_profile=profile)
    add("damaged_profile.png", rgb, 3, icc_profile=b"no profile")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        add(f"turned{orientation}.jpg", rgb, 3, (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH), exif=exif)
    for suffix in ("webp", "png", "tif", "gif"):
        add(f"animated.{suffix}", rgb, 3, save_all=True, append_images=[rgb.transpose(Image.Transpose.ROTATE_180)])
    for channels, kind in enumerate(("gray", "gray_alpha", "rgb", "rgba"), start=1):
        add_deep(f"deep_{kind}", channels, ".png")
    for channels, kind in ((1, "gray"), (3, "rgb"), (4, "rgba")):
        add_deep(f"deep_{kind}", channels, ".tif")
    add("one_pixel.png", Image.new("RGB", (1, 1), "red"), 3, (1, 1))
    add("thin.png", Image.new("RGB", (40, 1), "red"), 3, (40, 1))
    add("progressive.jpg", rgb, 3, progressive=True)
    add("lzw.tif", rgb, 3, compression="tiff_lzw")
    add("UPPER.PNG", rgb, 3)
    add("nämé with spaces.png", rgb, 3)
    rgb.save(folder / "jpeg_named.png", format="JPEG")  # the content tells
    expected["jpeg_named.png"] = (WIDTH, HEIGHT, 3, 8)

    stream = io.BytesIO()
    rgb.save(stream, "PNG")
    png = stream.getvalue()
    stream = io.BytesIO()
    rgb.save(stream, "JPEG")
    fail("zero_bytes.png", b"", "the file is empty")
    fail("text.jpg", b"plain text", "not an image file")
    fail("cut_off.png", png[:-100], "truncated")
    fail("cut_off.jpg", stream.getvalue()[:-100], "truncated")
    broken = bytearray(png)
    broken[60] ^= 255
    fail("damaged.png", bytes(broken), "broken")
    header = struct.pack(">4sIIBBBBB", b"IHDR", 100_000, 100_000, 8, 2, 0, 0, 0)
    bomb = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    fail("bomb.png", bomb, "100000x100000 pixels are more than")
    tifffile.imwrite(folder / "floats.tif", _RGB[..., 0].astype(np.float32))
    expected["floats.tif"] = "32-bit samples"
    (folder / "nowhere.png").symlink_to(folder / "missing.png")  # not listed: it is no file
    return expected
