"""Reads the user's images without losing bit depth, transparency or metadata."""

import io
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, ImageCms

from srgan_tf.images.deep import is_deep, read_deep
from srgan_tf.images.pictures import first_frame, open_image, require_known_range, upright
from srgan_tf.photos.metadata import read_metadata

MAX_PIXELS = 250_000_000  # more than any camera makes; 750 MB decoded


class Photo(NamedTuple):
    """The content of an image file.

    Attributes:
        colour: uint8 or uint16 [height, width, 1 (gray) or 3 (RGB)] array.
        alpha: array of the same type [height, width, 1], the largest value is opaque; None if nothing is transparent.
        metadata: those of `icc_profile` (bytes), `exif` (bytes, without the orientation, which is applied), `xmp`
            (bytes), `iptc` (bytes, IIM records), `dpi` (two numbers), `gamma` (PNG's gAMA) and `chromaticity` (PNG's
            cHRM, eight numbers) that the file has.
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
    with open_image(path, pillow_limit=False, plugin_limit=max_pixels) as (file, stream):
        check_size(file, max_pixels)
        return _decode(file, stream)


def check_size(file, max_pixels):
    """Raises a ValueError if an image that was opened is larger than `max_pixels`; None for no limit."""
    width, height = file.size
    if max_pixels is not None and width * height > max_pixels:
        raise ValueError(
            f"its {width}x{height} pixels are more than {max_pixels / 1e6:g} million "
            "(a decompression bomb?); --allow-huge lifts the limit"
        )


def _decode(file, stream):
    notes = []
    frames = getattr(file, "n_frames", 1)
    if frames > 1:
        notes.append(f"only the first of its {frames} frames")
    metadata, left_out = read_metadata(file, stream)
    notes += left_out
    if is_deep(file, stream):
        pixels = _turned(read_deep(file, stream), file.getexif().get(ExifTags.Base.Orientation, 1))
    else:
        if file.mode == "CMYK" and file.format == "TIFF" and 16 in file.tag_v2.get(258, ()):
            notes.append("its 16-bit CMYK is read with 8 bits")
        image = upright(first_frame(file))
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
