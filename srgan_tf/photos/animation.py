"""Animated GIF, WebP, PNG and AVIF files: every frame is upscaled."""

from typing import NamedTuple

import numpy as np

from srgan_tf.errors import WorkError
from srgan_tf.images.pictures import open_image
from srgan_tf.photos.file_formats import PNG_LEVEL
from srgan_tf.photos.formats import MAX_PIXELS, Photo, check_size
from srgan_tf.photos.metadata import read_metadata
from srgan_tf.photos.upscale import enlarge
from srgan_tf.photos.writing import write_animation

_ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")  # the pages of a TIFF are no animation
_UNKNOWN_DURATION = 100.0  # milliseconds, as browsers show frames without a duration


class Animation(NamedTuple):
    """An animated file.

    Attributes:
        count: number of frames.
        plays: how often it is played; 0: for ever.
        opaque: whether no pixel of any frame is transparent.
        metadata: see `Photo`.
        notes: what was left out, in words.
    """

    count: int
    plays: int
    opaque: bool
    metadata: dict
    notes: tuple


def read_animation(path, *, max_pixels=MAX_PIXELS):
    """Reads what an animated file is, and decodes it once to find transparency.

    Returns:
        `Animation`; None if the file is a still image.

    Raises:
        WorkError: the file cannot be read or is too large; the message names it.
    """
    with open_image(path, pillow_limit=False, plugin_limit=max_pixels) as (file, stream):
        count = getattr(file, "n_frames", 1)
        if count < 2 or file.format not in _ANIMATED:
            return None
        check_size(file, max_pixels)
        metadata, notes = read_metadata(file, stream)
        opaque = all(_rgba(file, number)[..., 3].min() == 255 for number in range(count))
        return Animation(count, _plays(file), opaque, metadata, tuple(notes))


def _plays(file):
    """How often the animation is played. A GIF counts the repetitions, and is played once if it does not."""
    if file.format == "GIF":
        repetitions = file.info.get("loop")
        return 1 if repetitions is None else 0 if repetitions == 0 else repetitions + 1
    return file.info.get("loop", 0)


def _rgba(file, number):
    file.seek(number)
    return np.asarray(file.convert("RGBA"))


def read_frames(path, animation):
    """Yields the frames, each drawn over those before it: (`Photo`, milliseconds)."""
    with open_image(path, pillow_limit=False, plugin_limit=None) as (file, _):
        for number in range(animation.count):
            pixels = _rgba(file, number)
            alpha = None if animation.opaque else pixels[..., 3:]
            yield Photo(pixels[..., :3], alpha, {}, ()), file.info.get("duration") or _UNKNOWN_DURATION


def upscale_animation(
    upscaler, source, target, animation, *, mask=None, png_level=PNG_LEVEL, progress=lambda share: None, **options
):
    """Upscales an animated file, frame by frame.

    Args:
        upscaler: an `Upscaler` of whole images.
        source: path of the file.
        target: path of the result, in one of `ANIMATED_FORMATS`.
        animation: from `read_animation`.
        mask: function of width, height and dtype that returns the mask, see `enlarge`; None for no mask.
        png_level: see `write_photo`.
        progress: called with the finished fraction, 0 to 1.
        **options: see `enlarge`.

    Returns:
        ((width, height) of the file, (width, height) of the result).

    Raises:
        WorkError: see `upscale_photo`.
    """
    sizes = []

    def frames():
        for number, (photo, milliseconds) in enumerate(read_frames(source, animation)):
            height, width = photo.colour.shape[:2]
            sizes.append((width, height))
            result = enlarge(
                upscaler,
                photo,
                mask=mask(width, height, np.uint8) if mask else None,
                progress=lambda share, number=number: progress((number + share) / animation.count),
                **options,
            )
            yield result, milliseconds

    results = frames()
    try:
        first = next(results)
    except StopIteration:
        raise WorkError(f"no frame in {str(source)!r}") from None
    write_animation(
        target,
        first,
        results,
        count=animation.count,
        plays=animation.plays,
        metadata=animation.metadata,
        png_level=png_level,
    )
    return sizes[0], (first[0].width, first[0].height)
