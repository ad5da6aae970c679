"""Reads and writes the user's images without losing bit depth, transparency or metadata."""

import io
import math
import pathlib
import struct
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageOps

from srgan_tf.errors import WorkError, first_line
from srgan_tf.files import atomic_write
from srgan_tf.images.pictures import first_frame, open_image, png_bits, require_known_range
from srgan_tf.photos.png import write_png

MAX_PIXELS = 250_000_000  # more than any camera makes; 750 MB decoded
FORMATS = {"png": ".png", "tiff": ".tif", "jpeg": ".jpg", "webp": ".webp"}
_LARGEST_DPI = 1e6  # pixels per inch; larger values are damaged metadata
_LONGEST_SIDE = {".jpg": 65_535, ".webp": 16_383}

# EXIF tags that are kept. Others describe the original file, not the image.
_DESCRIPTIVE = ("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright")
_METADATA = ("icc_profile", "dpi", "gamma", "chromaticity")  # keys of Pillow's `info`
_STALE = ("ExifImageWidth", "ExifImageHeight", "MakerNote")


class Photo(NamedTuple):
    """The content of an image file.

    Attributes:
        colour: uint8 or uint16 [height, width, 1 (gray) or 3 (RGB)] array.
        alpha: array of the same type [height, width, 1], the largest value is opaque; None if nothing is transparent.
        metadata: those of `icc_profile` (bytes), `exif` (bytes, without the orientation, which is applied), `dpi` (two
            numbers), `gamma` (PNG's gAMA) and `chromaticity` (PNG's cHRM, eight numbers) that the file has.
        notes: what was left out, in words.
    """

    colour: np.ndarray
    alpha: np.ndarray | None
    metadata: dict
    notes: tuple


def read_photo(path, *, max_pixels=MAX_PIXELS):
    """Decodes an image file of any mode: gray, palette, RGB or CMYK, with or without transparency, 8 or 16 bits.

    CMYK is converted to RGB, with its ICC profile if it has one. Only the first frame or page is read.

    Args:
        path: the file. The format is detected from the content, not from the suffix.
        max_pixels: larger images are refused before they are decoded; None for no limit.

    Raises:
        WorkError: the file cannot be read or is too large; the message names it.
    """
    with open_image(path, pillow_limit=False) as (file, stream):
        width, height = file.size
        if max_pixels is not None and width * height > max_pixels:
            raise ValueError(
                f"its {width}x{height} pixels are more than {max_pixels / 1e6:g} million "
                "(a decompression bomb?); --allow-huge lifts the limit"
            )
        return _decode(file, stream)


def _decode(file, stream):
    notes = []
    frames = getattr(file, "n_frames", 1)
    if frames > 1:
        notes.append(f"only the first of its {frames} frames")
    metadata = {key: file.info[key] for key in _METADATA if file.info.get(key)}
    if not all(0 < resolution < _LARGEST_DPI for resolution in metadata.get("dpi", ())):  # also False for NaN
        del metadata["dpi"]
    if not all(math.isfinite(number) and 0 <= number < 1e4 for number in metadata.get("chromaticity", ())):
        del metadata["chromaticity"]
    exif = file.getexif()
    orientation = exif.get(ExifTags.Base.Orientation, 1)
    try:
        if kept := _descriptive(exif):
            metadata["exif"] = kept
    except Exception:  # tags of wrong types make Pillow raise various exceptions; the pixels are still good
        notes.append("its EXIF is damaged and left out")
    if _is_deep(file, stream):
        pixels = _turned(_read_deep(file, stream), orientation)
    else:
        if file.mode == "CMYK" and file.format == "TIFF" and 16 in file.tag_v2.get(258, ()):
            notes.append("its 16-bit CMYK is read with 8 bits")
        image = ImageOps.exif_transpose(first_frame(file))
        if image.mode == "CMYK":
            image = _cmyk_to_rgb(image, metadata)
        require_known_range(image)
        gray = image.mode in ("1", "L", "LA", "La") or image.mode.startswith("I;16")
        if image.has_transparency_data:
            image = image.convert("LA" if gray else "RGBA")
        elif not image.mode.startswith("I;16"):
            image = image.convert("L" if gray else "RGB")
        pixels = np.atleast_3d(np.asarray(image))
        if pixels.dtype != np.uint8:
            pixels = pixels.astype(np.uint16)  # big-endian files give big-endian arrays
    channels = pixels.shape[2] - (pixels.shape[2] + 1) % 2
    alpha = pixels[..., channels:] if pixels.shape[2] > channels else None
    return Photo(pixels[..., :channels], alpha, metadata, tuple(notes))


def _descriptive(exif):
    """EXIF bytes of the tags that describe the image; None if there are none."""
    kept = Image.Exif()
    for name in _DESCRIPTIVE:
        if ExifTags.Base[name] in exif:
            kept[ExifTags.Base[name]] = exif[ExifTags.Base[name]]
    stale = {ExifTags.Base[name] for name in _STALE}
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        tags = {tag: value for tag, value in exif.get_ifd(ifd).items() if tag not in stale}
        if tags:
            kept.get_ifd(ifd).update(tags)
            kept[ifd] = kept.get_ifd(ifd)
    return kept.tobytes() if len(kept) else None


def _is_deep(file, stream):
    """Whether the file has 16-bit colour, which Pillow would reduce to 8 bits; it keeps 16-bit gray."""
    if file.format == "PNG":
        return png_bits(stream) == 16 and ("transparency" in file.info or not file.mode.startswith("I;16"))
    if file.format == "TIFF":
        return file.mode in ("RGB", "RGBA") and set(file.tag_v2.get(258, ())) == {16}  # BitsPerSample
    return False


def _read_deep(file, stream):
    stream.seek(0)
    if file.format == "PNG":
        import tensorflow as tf

        pixels = tf.io.decode_png(stream.read(), channels=0, dtype=tf.uint16).numpy()
        if pixels.shape[2] in (2, 4) or "transparency" not in file.info:
            return pixels
        invisible = np.all(pixels == file.info["transparency"], axis=2, keepdims=True)  # tRNS, which TensorFlow ignores
        return np.concatenate([pixels, np.where(invisible, 0, 65_535).astype(np.uint16)], axis=2)
    import tifffile

    page = tifffile.TiffFile(stream).pages[0]
    try:
        pixels = page.asarray()
    except ValueError as error:
        if "imagecodecs" in str(error):
            raise ValueError(
                f"TIFF of 16 bits and this compression needs `pip install imagecodecs` ({error})"
            ) from error
        raise
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.astype(np.uint16)
    return _unassociated(pixels) if tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples else pixels


def _unassociated(pixels):
    """Divides premultiplied 16-bit colours by their alpha, the last channel; invisible pixels become black."""
    colour, alpha = pixels[..., :-1].astype(np.float64), pixels[..., -1:]
    divided = np.rint(np.divide(colour * 65_535, alpha, out=np.zeros_like(colour), where=alpha > 0))
    return np.concatenate([np.minimum(divided, 65_535).astype(np.uint16), alpha], axis=2)


def _turned(pixels, orientation):
    """Applies an EXIF orientation (1 to 8) to an array [height, width, channels]."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels


def _cmyk_to_rgb(image, metadata):
    """Converts CMYK with its own ICC profile, if it has one; the result is sRGB."""
    profile = metadata.pop("icc_profile", None)
    if profile is None:
        return image.convert("RGB")
    try:
        return ImageCms.profileToProfile(image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:  # a damaged profile: convert without it
        return image.convert("RGB")


def write_photo(path, stripes, *, width, height, channels, bits, metadata):
    """Writes an image from stripes of rows, in the format of the path's suffix; creates its folder.

    PNG is written stripe by stripe; the other formats need the whole image in memory. JPEG and WebP are written with 8
    bits and quality 95. The file is renamed to `path` only when it is complete.

    Args:
        path: the file.
        stripes: iterable of uint8 or uint16 [rows, width, channels] arrays.
        width: pixels.
        height: pixels.
        channels: 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA. For JPEG, transparent images are composited on white.
        bits: 8 or 16.
        metadata: see `Photo`. Gamma and chromaticity are written to PNG only.

    Raises:
        WorkError: the file cannot be written; the message names it.
    """
    path = pathlib.Path(path)
    longest = _LONGEST_SIDE.get(path.suffix)
    if longest and max(width, height) > longest:
        raise WorkError(
            f"cannot write {str(path)!r}: {width}x{height} is more than the format's {longest} pixels a side"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as unfinished:
            if path.suffix == ".png":
                with open(unfinished, "wb") as file:
                    write_png(
                        file, stripes, width=width, height=height, channels=channels, bits=bits, metadata=metadata
                    )
            elif path.suffix == ".tif":
                _write_tiff(unfinished, np.concatenate(list(stripes)), metadata)
            else:
                _write_with_pillow(unfinished, np.concatenate(list(stripes)), metadata)
    except OSError as error:
        raise WorkError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
    except (ValueError, struct.error) as error:  # metadata that the format cannot store
        raise WorkError(f"cannot write {str(path)!r}: {first_line(error)}") from error


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
    )


def _write_with_pillow(path, picture, metadata):
    if picture.dtype == np.uint16:
        picture = np.rint(picture / 257.0).astype(np.uint8)
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    if path.suffix == ".jpg" and image.mode in ("LA", "RGBA"):
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
        image = image.convert("L" if picture.shape[2] == 2 else "RGB")
    kept = {key: value for key, value in metadata.items() if key in ("icc_profile", "exif", "dpi")}
    image.save(path, quality=95, **kept)
