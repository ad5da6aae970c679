"""Writes images in the format of their suffix, with their metadata."""

import contextlib
import itertools
import pathlib
import struct

import numpy as np
from PIL import Image, features

from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.files import atomic_write
from srgan_tf.images.plugins import load_plugin
from srgan_tf.photos import png
from srgan_tf.photos.file_formats import PNG_LEVEL, format_of
from srgan_tf.photos.metadata import corrected, jpeg_iptc, tiff_tags

_PLUGINS = {"jxl": "JXL", "heic": "HEIF"}
_LONGEST_SIDE = {"jpeg": 65_535, "webp": 16_383, "avif": 65_535, "heic": 16_384}
# Pillow's name and options. Chroma is not subsampled where the format's default would do so.
_PILLOW = {
    "jpeg": ("JPEG", {"quality": 95}),
    "webp": ("WEBP", {"quality": 95}),
    "avif": ("AVIF", {"quality": 95, "subsampling": "4:4:4"}),
    "jxl": ("JXL", {"quality": 95, "use_container": True}),
    "heic": ("HEIF", {"quality": 95, "chroma": 444}),
}
_LONGEST_XMP = 65_504  # bytes, in a JPEG


def require_format(name):
    """Registers the plugin of a format with Pillow, if it needs one.

    Args:
        name: a key of `file_formats.FORMATS`.

    Raises:
        UserError: this Pillow cannot write it; the message says what to install.
    """
    if name == "avif" and not features.check("avif"):
        raise UserError("AVIF needs Pillow 11.3 or later: pip install --upgrade pillow")
    if name in _PLUGINS:
        try:
            load_plugin(_PLUGINS[name])
        except ValueError as error:
            raise UserError(str(error)) from error


def write_photo(path, stripes, *, width, height, channels, bits, metadata, png_level=PNG_LEVEL):
    """Writes an image from stripes of rows, in the format of the path's suffix; creates its folder.

    PNG is written stripe by stripe; the other formats need the whole image in memory. All but PNG and TIFF are written
    with 8 bits and quality 95. The file is renamed to `path` only when it is complete.

    Args:
        path: the file.
        stripes: iterable of uint8 or uint16 [rows, width, channels] arrays.
        width: pixels.
        height: pixels.
        channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. For JPEG, transparent images are composited on white.
        bits: 8 or 16.
        metadata: see `Photo`; it is `corrected`. Gamma and chromaticity are written to PNG only, IPTC to PNG, JPEG and
            TIFF; EXIF to all but TIFF, which gets its descriptive tags. A JPEG has no XMP above 64 KB.
        png_level: compression of a PNG, 0 (none) to 9; smaller files take longer.

    Raises:
        WorkError: the file cannot be written; the message names it.
    """
    path = pathlib.Path(path)
    with _checked(path, width, height) as unfinished:
        metadata = corrected(metadata, width, height)
        if format_of(path) == "png":
            layout = {"width": width, "height": height, "channels": channels, "bits": bits}
            with open(unfinished, "wb") as file:
                png.write_png(file, stripes, **layout, metadata=metadata, level=png_level)
        elif format_of(path) == "tiff":
            _write_tiff(unfinished, _whole(stripes, height, width, channels, bits), metadata)
        else:
            stripes = (_to_uint8(stripe) for stripe in stripes)
            _write_with_pillow(unfinished, _whole(stripes, height, width, channels, 8), metadata)


def write_animation(path, first, others, *, count, plays, metadata, png_level=PNG_LEVEL):
    """Writes an animation. PNG is written frame by frame; WebP and AVIF need all frames in memory.

    Args:
        path: the file, in one of `file_formats.ANIMATED_FORMATS`.
        first: (`photos.upscale.Enlarged`, milliseconds) of the first frame.
        others: iterator of those of the other frames.
        count: number of frames.
        plays: how often it is played; 0: for ever. AVIF does not store it.
        metadata: see `write_photo`.
        png_level: see `write_photo`.

    Raises:
        WorkError: the file cannot be written; the message names it.
    """
    path = pathlib.Path(path)
    start = first[0]
    frames = itertools.chain([first], others)
    with _checked(path, start.width, start.height) as unfinished:
        metadata = corrected(metadata, start.width, start.height)
        if format_of(path) == "png":
            with open(unfinished, "wb") as file:
                png.write_apng(
                    file,
                    ((frame.stripes, milliseconds) for frame, milliseconds in frames),
                    count=count,
                    plays=plays,
                    width=start.width,
                    height=start.height,
                    channels=start.channels,
                    bits=start.bits,
                    metadata=metadata,
                    level=png_level,
                )
            return
        images, durations = [], []
        for frame, milliseconds in frames:
            images.append(Image.fromarray(np.concatenate(list(frame.stripes))))
            durations.append(round(milliseconds))
        name, options = _PILLOW[format_of(path)]
        options = {**options, "append_images": images[1:], "duration": durations, "loop": plays}
        images[0].save(unfinished, name, save_all=True, **options, **_for_pillow(metadata))


@contextlib.contextmanager
def _checked(path, width, height):
    """Yields the path of an unfinished file that becomes `path`, in a folder that is created."""
    longest = _LONGEST_SIDE.get(format_of(path))
    if longest and max(width, height) > longest:
        raise WorkError(
            f"cannot write {str(path)!r}: {width}x{height} is more than the format's {longest} pixels a side"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as unfinished:
            yield unfinished
    except WorkError:  # of the work that makes the stripes
        raise
    except OSError as error:
        raise WorkError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
    except (ValueError, RuntimeError, struct.error) as error:  # metadata or a size that the format cannot store
        raise WorkError(f"cannot write {str(path)!r}: {first_line(error)}") from error


def _whole(stripes, height, width, channels, bits):
    """Joins stripes without keeping them, which would take the memory twice."""
    picture = np.empty((height, width, channels), f"u{bits // 8}")
    row = 0
    for stripe in stripes:
        picture[row : row + len(stripe)] = stripe
        row += len(stripe)
    if row != height:
        raise ValueError(f"{height} rows. Received: {row}")
    return picture


def _to_uint8(pixels):
    return pixels if pixels.dtype == np.uint8 else ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _write_tiff(path, picture, metadata):
    import tifffile

    channels = picture.shape[2]
    tifffile.imwrite(
        path,
        picture if channels > 1 else picture[..., 0],
        photometric="minisblack" if channels < 3 else "rgb",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=() if channels % 2 else ("unassalpha",),
        compression="zlib",
        predictor=True,
        iccprofile=metadata.get("icc_profile"),
        resolution=metadata.get("dpi"),
        resolutionunit="inch" if "dpi" in metadata else None,
        metadata=None,
        extratags=tiff_tags(metadata),
        software=False,
    )


def _write_with_pillow(path, picture, metadata):
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    if format_of(path) == "jpeg" and image.mode in ("LA", "RGBA"):
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
        image = image.convert("L" if picture.shape[2] == 2 else "RGB")
    name, options = _PILLOW[format_of(path)]
    kept = _for_pillow(metadata)
    if name == "JPEG":
        if len(kept.get("xmp", b"")) > _LONGEST_XMP:
            del kept["xmp"]
        if "iptc" in metadata:
            kept["extra"] = jpeg_iptc(metadata["iptc"])
    image.save(path, name, **options, **kept)


def _for_pillow(metadata):
    return {key: value for key, value in metadata.items() if key in ("icc_profile", "exif", "dpi", "xmp")}
