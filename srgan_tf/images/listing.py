"""Folders of images: listing them, and a name for each image."""

import collections
import os
import pathlib

from srgan_tf.errors import UserError

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff")


def list_pictures(folder, suffixes=PICTURE_SUFFIXES):
    """Paths of the images in a folder and its subfolders, sorted; hidden files are skipped.

    Raises:
        UserError: there is no such folder or no image in it, or a subfolder cannot be listed.
    """
    if not os.path.isdir(folder):  # also False where the path is empty or too long
        raise UserError(f"no folder {str(folder)!r}")
    paths = []
    for parent, subfolders, names in walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found = (pathlib.Path(parent, name) for name in names if not name.startswith("."))
        paths += [path for path in found if path.suffix.lower() in suffixes and path.is_file()]
    paths.sort()
    if not paths:
        raise UserError(f"no picture in {str(folder)!r}: looked for {', '.join(suffixes)}")
    return paths


def walk(folder):
    """`os.walk` that reports a subfolder that cannot be listed: without it, its pictures would be skipped silently.

    Raises:
        UserError: a subfolder cannot be listed. One that was removed since its parent was listed is skipped.
    """

    def report(error):
        if not isinstance(error, FileNotFoundError):
            raise UserError(f"cannot list the folder {error.filename!r}: {error.strerror}") from error

    return os.walk(folder, onerror=report)


def names_of(places):
    """Names for images: their relative paths without the suffix, which is kept where two would be equal.

    Args:
        places: relative paths of the files.

    Returns:
        List of strings in the same order.

    >>> names_of(["a.png", "b.jpg", "b.png", "c/a.png"])
    ['a', 'b.jpg', 'b.png', 'c/a']
    """
    places = [pathlib.PurePath(place) for place in places]
    stems = collections.Counter(place.with_suffix("") for place in places)
    return [str(place if stems[place.with_suffix("")] > 1 else place.with_suffix("")) for place in places]
