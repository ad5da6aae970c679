"""Picture files: finding, reading and writing them."""

import collections
import contextlib
import pathlib

import numpy as np
from PIL import Image, ImageOps

from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.files import atomic_write

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def list_pictures(folder, suffixes=PICTURE_SUFFIXES):
    """Paths of the pictures in a folder and the folders below it, sorted; hidden ones are passed over.

    Raises:
        UserError: there is no such folder, or no picture in it.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise UserError(f"no folder {str(folder)!r}")
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise UserError(f"no picture in {str(folder)!r}: looked for {', '.join(suffixes)}")
    return paths


def names_of(places):
    """Names for pictures: their relative paths without suffix, kept where only the suffix tells two apart.

    Args:
        places: relative paths.

    Returns:
        List of strings in the same order.

    >>> names_of(["a.png", "b.jpg", "b.png", "c/a.png"])
    ['a', 'b.jpg', 'b.png', 'c/a']
    """
    places = [pathlib.PurePath(place) for place in places]
    stems = collections.Counter(place.with_suffix("") for place in places)
    return [str(place if stems[place.with_suffix("")] > 1 else place.with_suffix("")) for place in places]


def picture_size(file):
    """Height and width of a picture, pixels, from its header. They are as stored: EXIF may turn the picture.

    Args:
        file: path or open binary file.

    Raises:
        WorkError: it cannot be read as a picture; the message names it.
    """
    with _opened(file) as image:
        return image.height, image.width


def read_picture(file):
    """Decodes a picture file to RGB, whatever its mode.

    Grayscale is repeated over the channels; palette and CMYK are converted; of 16 bits the upper 8 are kept;
    transparency is laid on white; the EXIF orientation is applied. Of an animation the first frame is read.

    Args:
        file: path or open binary file.

    Returns:
        uint8 [height, width, 3] array.

    Raises:
        WorkError: it cannot be read as a picture; the message names it.
    """
    with _opened(file) as image:
        return np.asarray(_to_rgb(ImageOps.exif_transpose(image)))


@contextlib.contextmanager
def _opened(file):
    try:
        with Image.open(file) as image:
            yield image
    except Image.UnidentifiedImageError as error:
        raise WorkError(f"cannot read the picture {str(file)!r}: it is no picture") from error
    except Exception as error:  # damaged files make Pillow raise of many kinds
        raise WorkError(f"cannot read the picture {str(file)!r}: {first_line(error)}") from error


def _to_rgb(image):
    if image.mode.startswith("I;16"):  # Pillow would saturate it instead of scaling; of 16-bit RGB it keeps the upper 8
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ValueError(f"32 bits a channel (mode {image.mode}) have no known range")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return image.convert("RGB")


def write_picture(path, picture):
    """Writes a uint8 [height, width, 3] picture in the format of the path's suffix, making its folder.

    The file appears under its name only when it is whole.

    Raises:
        WorkError: it cannot be written; the message names it.
    """
    path = pathlib.Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as unfinished:
            Image.fromarray(np.asarray(picture)).save(unfinished)
    except OSError as error:
        raise WorkError(f"cannot write {str(path)!r}: {error.strerror or error}") from error
