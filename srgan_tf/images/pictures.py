"""Image files: opening, reading and writing them."""

import contextlib
import functools
import os
import pathlib
import stat

import numpy as np
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

from srgan_tf.errors import WorkError, first_line
from srgan_tf.files import atomic_write
from srgan_tf.images import png
from srgan_tf.images.deep import is_deep, is_misread, is_reduced_wrongly, read_deep
from srgan_tf.images.jpeg import bits_per_sample, has_many_scans
from srgan_tf.images.plugins import plugin_format, prepare

# Pillow decides by content, and some of its formats start other programs (EPS: Ghostscript): only these are opened.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM")
# Bytes of a decompressed PNG chunk. Pillow's default, 1 MiB, is less than some printers' ICC profiles; all text chunks
# together keep Pillow's limit of 64 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = 16 << 20
# First bytes of files that are not supported: (offset, bytes, format).
_OTHER_FORMATS = (
    (4, b"ftypavi", "AVIF (Pillow below 11.3)"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"%PDF", "PDF"),
)
_HEIF = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1")  # after the size of the first box
# Progressive JPEGs have about ten scans; each costs time for the whole image, however few bytes it has.
MAX_SCANS = 256
# A PNG may have one; Pillow decompresses each.
_MAX_PNG_PROFILES = 4
_PLUGIN_PIXELS = 178_956_970  # as Pillow's limit
_UNSUPPORTED_TIFF = "this kind of TIFF is not supported"
_MINISWHITE = 0  # TIFF 6.0, PhotometricInterpretation: 0 is white
_PHOTOMETRIC = 262  # TIFF tag


def picture_size(file):
    """Reads height and width, pixels, from an image's header; its EXIF orientation is not applied.

    Args:
        file: path or open binary file.

    Raises:
        WorkError: the file cannot be read; the message names it.
    """
    with open_image(file, header_only=True) as (image, _):
        return image.height, image.width


def read_picture(file):
    """Decodes an image file of any mode to 8-bit RGB.

    Grayscale is repeated over the channels; palette and CMYK are converted; 16-bit samples keep their upper 8 bits;
    transparent pixels are composited on white; the EXIF orientation is applied. Only the first frame is read.

    Args:
        file: path or open binary file.

    Returns:
        uint8 [height, width, 3] array.

    Raises:
        WorkError: the file cannot be read; the message names it.
    """
    with open_image(file) as (image, stream):
        if is_deep(image, stream) and is_reduced_wrongly(image):
            frame = _with_orientation((read_deep(image, stream) >> 8).astype(np.uint8), image)
        else:
            frame = first_frame(image)
        return np.asarray(_to_rgb(upright(frame)))


@contextlib.contextmanager
def open_image(file, *, pillow_limit=True, plugin_limit=_PLUGIN_PIXELS, header_only=False):
    """Opens an image file with Pillow, in one of the supported formats only. Nothing is decoded yet.

    Args:
        file: path or open binary file.
        pillow_limit: whether Pillow refuses more pixels than its own limit.
        plugin_limit: number of pixels above which a JPEG XL is refused, since opening it decodes it; None for no limit.
        header_only: whether the block does not decode it. Scans of a JPEG are then not counted, which reads the whole
            file.

    Yields:
        (`PIL.Image.Image`, the open binary file).

    Raises:
        WorkError: the file cannot be read, or the block raises anything while it decodes; the message names the file.
    """
    try:
        with _pixel_limit(pillow_limit), _regular_file(file) as stream, _identified(stream, plugin_limit) as image:
            if is_misread(image):
                raise ValueError(_UNSUPPORTED_TIFF)
            _scale_transparency(image, stream)
            if not header_only and image.format in ("JPEG", "MPO") and has_many_scans(stream, MAX_SCANS):
                raise ValueError(f"JPEG files of more than {MAX_SCANS} scans are refused")
            yield image, stream
    except WorkError:
        raise
    except Exception as error:  # damaged files make Pillow raise various exceptions
        reason = getattr(error, "strerror", None) or first_line(error)
        if "unknown raw mode" in reason:  # TIFF with a layout that Pillow has no decoder for
            reason = _UNSUPPORTED_TIFF
        if isinstance(error, ImportError):
            reason = "this compression needs a decoder that is not installed"
        raise WorkError(f"cannot read the image {_name(file)!r}: {reason}") from error


@contextlib.contextmanager
def _pixel_limit(limited):
    before = Image.MAX_IMAGE_PIXELS
    if not limited:
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _name(file):
    return str(file) if isinstance(file, str | os.PathLike) else str(getattr(file, "name", "in memory"))


@contextlib.contextmanager
def _regular_file(file):
    """Opens a path without waiting for a pipe's other end; an open file is used as it is."""
    if not isinstance(file, str | os.PathLike):
        yield file
        return
    with open(file, "rb", opener=lambda path, flags: os.open(path, flags | getattr(os, "O_NONBLOCK", 0))) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("not a regular file")
        yield stream


def _identified(stream, plugin_limit):
    start = stream.read(32)
    if name := plugin_format(start):
        prepare(stream, name, plugin_limit)
    if start.startswith(png.SIGNATURE) and png.has_many_chunks(stream, b"iCCP", _MAX_PNG_PROFILES):
        raise ValueError(f"PNG files of more than {_MAX_PNG_PROFILES} colour profiles are refused")
    stream.seek(0)
    try:
        return Image.open(stream, formats=(name,) if name else _supported_formats())
    except Image.UnidentifiedImageError as error:
        stream.seek(0)
        raise ValueError(_why_unidentified(stream)) from error


@functools.cache
def _supported_formats():
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)  # a Pillow may be built without some


def _why_unidentified(stream):
    """The reason why Pillow does not recognise a file, in words."""
    start = stream.read(32)
    if not start:
        return "the file is empty"
    for offset, magic, name in _OTHER_FORMATS:
        if start[offset:].startswith(magic):
            return f"{name} files are not supported"
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return f"{_UNSUPPORTED_TIFF}{_tiff_kind(stream)}"
    if start[:3] == b"\xff\xd8\xff" and (bits := bits_per_sample(start + stream.read(1 << 20))) not in (None, 8):
        return f"JPEG files of {bits} bits are not supported"
    if start[:3] == b"\xff\xd8\xff" or start[:4] in (b"\x89PNG", b"RIFF") or start[4:12] in _HEIF:
        return "its header is damaged or cut off"
    return "not an image file"


def _tiff_kind(stream):
    import tifffile

    try:
        stream.seek(0)
        with tifffile.TiffFile(stream) as tiff:
            page = tiff.pages.first
            photometric = tifffile.PHOTOMETRIC(page.photometric).name.lower()
            return f": {page.dtype}, {page.samplesperpixel} samples per pixel, {photometric}"
    except Exception:  # damaged files make tifffile raise various exceptions
        return ""


def _scale_transparency(image, stream):
    """Scales the transparent gray level of a 2- or 4-bit PNG to 8 bits, like the pixels, which Pillow does not do."""
    level = image.info.get("transparency")
    if image.format != "PNG" or image.mode != "L" or not isinstance(level, int):
        return
    most = 2 ** png.bits_per_sample(stream) - 1
    if most < 255 and level <= most:
        image.info["transparency"] = level * 255 // most


def first_frame(image):
    """Decodes the first frame; 16-bit gray TIFFs that store white as 0 are inverted, which Pillow does not do."""
    white_is_zero = image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == _MINISWHITE
    image.load()
    if white_is_zero and image.mode.startswith("I;16"):
        image = _with_orientation(65_535 - np.asarray(image).astype(np.uint16), image)
    return image


def upright(image):
    """Applies the EXIF orientation. JPEG XL has its own, which is applied already, unless it holds a JPEG."""
    return image if image.format == "JXL" and "jfif" not in image.info else ImageOps.exif_transpose(image)


def _with_orientation(pixels, image):
    """An array as a Pillow image with the EXIF orientation of another one."""
    exif = image.getexif()
    turned = Image.fromarray(pixels)
    turned.getexif().update({tag: exif[tag] for tag in (ExifTags.Base.Orientation,) if tag in exif})
    return turned


def _to_rgb(image):
    if image.mode.startswith("I;16"):  # Pillow would saturate instead of scaling; 16-bit RGB keeps the upper 8 bits
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    require_known_range(image)
    if image.mode == "La":  # Pillow has no direct conversion to RGBA
        image = image.convert("LA")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return image.convert("RGB")


def require_known_range(image):
    """Raises a ValueError for 32-bit samples, whose range no header states."""
    if image.mode in ("I", "F"):
        raise ValueError(f"32-bit samples (mode {image.mode}) have no known range")


def write_picture(path, picture):
    """Writes a uint8 [height, width, 3] array in the format of the path's suffix; creates its folder.

    The file is renamed to `path` only when it is complete.

    Raises:
        WorkError: the file cannot be written; the message names it.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as unfinished:
            Image.fromarray(np.asarray(picture)).save(unfinished)
    except OSError as error:
        raise WorkError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
