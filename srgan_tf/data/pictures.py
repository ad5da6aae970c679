"""Picture files: finding, reading and writing them."""

import os
import pathlib

import numpy as np
from PIL import Image, ImageOps

from srgan_tf.errors import UserError, WorkError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def list_pictures(folder):
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
        if path.suffix.lower() in PICTURE_SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not paths:
        raise UserError(f"no picture in {str(folder)!r}: looked for {', '.join(PICTURE_SUFFIXES)}")
    return paths


def read_picture(path):
    """Decodes a picture file to RGB, whatever its mode.

    Grayscale is repeated over the channels; palette and CMYK are converted; 16 bits keep their upper 8; transparency
    is laid on white; the EXIF orientation is applied. Of an animation the first frame is read.

    Returns:
        uint8 [height, width, 3] array.

    Raises:
        WorkError: the file cannot be read as a picture; the message names it.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow raises on bad files
        reason = "it is no picture" if isinstance(error, Image.UnidentifiedImageError) else error
        raise WorkError(f"cannot read the picture {str(path)!r}: {reason}") from error
    return np.asarray(_to_rgb(image))


def _to_rgb(image):
    if image.mode.startswith("I"):  # 16-bit grayscale, which Pillow would saturate instead of scale
        image = Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, "white")
        image.alpha_composite(layer)
    return image.convert("RGB")


def write_picture(path, picture):
    """Writes a uint8 [height, width, 3] picture in the format of the path's suffix, making its folder.

    The file appears under its name only when it is whole.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.unfinished{path.suffix}")
    try:
        Image.fromarray(np.asarray(picture)).save(unfinished)
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
