"""File formats of results, and the names of result files. Importing this imports no numpy, so that `--help` is fast."""

import os
import pathlib

from srgan_tf.errors import UserError

# Names and suffixes.
FORMATS = {
    "png": ".png",
    "tiff": ".tif",
    "jpeg": ".jpg",
    "webp": ".webp",
    "avif": ".avif",
    "jxl": ".jxl",
    "heic": ".heic",
}
ANIMATED_FORMATS = ("png", "webp", "avif")
PNG_LEVEL = (
    4  # of zlib: 6 takes twice the time of 4 for files that are as large (photographs, Sub, Up and Paeth filters)
)
# Suffixes of video results, and FFmpeg's names of their containers.
CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_BY_SUFFIX = {suffix: name for name, suffix in FORMATS.items()} | {".jpeg": "jpeg", ".tiff": "tiff", ".heif": "heic"}


def format_of(path):
    """The key of `FORMATS` for the suffix of a path, in upper or lower case; None for any other suffix.

    >>> format_of("a/photo.JPEG"), format_of("upscaled")
    ('jpeg', None)
    """
    return _BY_SUFFIX.get(pathlib.PurePath(path).suffix.lower())


def names_file(output, inputs):
    """Whether `output` is the name of the only result, rather than a folder.

    Args:
        output: path. A folder that exists is a folder, whatever its suffix is.
        inputs: paths of images, video files and folders.

    Raises:
        UserError: it has the suffix of a file, and there are several inputs or a folder.
    """
    if pathlib.PurePath(output).suffix.lower() not in {*_BY_SUFFIX, *CONTAINERS} or os.path.isdir(output):
        return False
    if len(inputs) > 1 or os.path.isdir(inputs[0]):
        raise UserError(f"--output {str(output)!r} is the name of a file: give a folder for several results")
    return True


def folder_of(output, inputs):
    """The folder of the results: `output`, or its parent if it is the name of the only result; see `names_file`."""
    return pathlib.Path(output).parent if names_file(output, inputs) else output
