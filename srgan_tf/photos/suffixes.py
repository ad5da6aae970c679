"""Which files of a folder are read, and a note about image files that cannot be."""

import collections
import os
import pathlib

from srgan_tf.errors import install_command
from srgan_tf.images.listing import PICTURE_SUFFIXES
from srgan_tf.images.plugins import has_plugin

_SUFFIXES = (
    *(*PICTURE_SUFFIXES, ".apng", ".gif", ".avif", ".jp2", ".j2k", ".jpx"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
_PLUGIN_SUFFIXES = {".heic": "HEIF", ".heif": "HEIF", ".hif": "HEIF", ".jxl": "JXL"}
_UNSUPPORTED = (
    *(".eps", ".svg", ".pdf", ".ai", ".psd", ".xcf", ".tga", ".jxr", ".ico", ".exr", ".hdr"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"),
)


def readable_suffixes():
    """Suffixes of the files that are taken from folders."""
    return *_SUFFIXES, *(suffix for suffix, name in _PLUGIN_SUFFIXES.items() if has_plugin(name))


def unsupported_suffixes(readable=None):
    """Suffixes of image files that are not read; such files in folders are counted and skipped.

    Args:
        readable: the suffixes that are read; None for `readable_suffixes`.
    """
    return {*_UNSUPPORTED, *_PLUGIN_SUFFIXES, *_SUFFIXES} - {*(readable or readable_suffixes())}


def unsupported_files(inputs, readable=None):
    """Counts image files of unsupported formats in the input folders.

    Args:
        inputs: paths of images and folders.
        readable: the suffixes that are read; None for `readable_suffixes`.

    Returns:
        Dictionary of suffixes, such as ".heic", to numbers of files, sorted.
    """
    unsupported = unsupported_suffixes(readable)
    found = collections.Counter(
        path.suffix.lower()
        for folder in filter(os.path.isdir, inputs)
        for path in pathlib.Path(folder).rglob("*")
        if path.suffix.lower() in unsupported
    )
    return dict(sorted(found.items()))


def skipped_note(inputs, readable=None):
    """A sentence about the files that `unsupported_files` counts; "" if there are none."""
    return note_on(unsupported_files(inputs, readable), install=readable is None)


def note_on(skipped, *, install=True):
    """The sentence of `skipped_note` about such counts.

    Args:
        skipped: what `unsupported_files` returns.
        install: whether to state which package reads some of them.
    """
    kinds = ", ".join(f"{number} {suffix}" for suffix, number in skipped.items())
    if not skipped:
        return ""
    install = install and {*skipped} & {*_PLUGIN_SUFFIXES}
    hint = f"; {install_command('formats')} adds HEIC and JPEG XL" if install else ""
    return f"note: {sum(skipped.values())} files of unsupported formats were skipped: {kinds}{hint}"
