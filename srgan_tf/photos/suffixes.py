"""Which files of a folder are read, and a note about image files that cannot be."""

import collections
import os
import pathlib

from srgan_tf.errors import install_command
from srgan_tf.images.listing import PICTURE_SUFFIXES
from srgan_tf.images.plugins import has_plugin

_SUFFIXES = (*PICTURE_SUFFIXES, ".gif", ".avif", ".jp2", ".ppm")
_PLUGIN_SUFFIXES = {".heic": "HEIF", ".heif": "HEIF", ".jxl": "JXL"}
_UNSUPPORTED = (".eps", ".svg", ".pdf", ".psd", ".dng", ".cr2", ".nef", ".arw", ".tga", ".jxr")


def readable_suffixes():
    """Suffixes of the files that are taken from folders."""
    return *_SUFFIXES, *(suffix for suffix, name in _PLUGIN_SUFFIXES.items() if has_plugin(name))


def unsupported_suffixes():
    """Suffixes of image files that cannot be read here; such files in folders are counted and skipped."""
    return {*_UNSUPPORTED, *_PLUGIN_SUFFIXES} - {*readable_suffixes()}


def unsupported_files(inputs):
    """Counts image files of unsupported formats in the input folders.

    Args:
        inputs: paths of images and folders.

    Returns:
        Dictionary of suffixes, such as ".heic", to numbers of files, sorted.
    """
    unsupported = unsupported_suffixes()
    found = collections.Counter(
        path.suffix.lower()
        for folder in filter(os.path.isdir, inputs)
        for path in pathlib.Path(folder).rglob("*")
        if path.suffix.lower() in unsupported
    )
    return dict(sorted(found.items()))


def skipped_note(inputs):
    """A sentence about the files that `unsupported_files` counts; "" if there are none."""
    return note_on(unsupported_files(inputs))


def note_on(skipped):
    """The sentence of `skipped_note` about such counts."""
    kinds = ", ".join(f"{number} {suffix}" for suffix, number in skipped.items())
    if not skipped:
        return ""
    install = f"; {install_command('formats')} adds HEIC and JPEG XL" if {*skipped} & {*_PLUGIN_SUFFIXES} else ""
    return f"note: {sum(skipped.values())} files of unsupported formats were skipped: {kinds}{install}"
