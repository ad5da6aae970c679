"""The plan: which pictures of a folder become which results. It is made folder by folder and never kept as a whole."""

import collections
import os
from typing import NamedTuple

from srgan_tf.errors import UserError
from srgan_tf.images.listing import names_of
from srgan_tf.photos.file_formats import FORMATS
from srgan_tf.photos.suffixes import readable_suffixes, unsupported_suffixes


class Picture(NamedTuple):
    """A picture to upscale.

    Attributes:
        source: path of the picture below the input folder.
        target: path of the result below the output folder.
        pixels: of the picture; an estimate if it is at an address.
    """

    source: str
    target: str
    pixels: int


class Survey(NamedTuple):
    """What a folder holds.

    Attributes:
        pictures: number of pictures.
        existing: number of those whose result exists.
        first_existing: path of the first such result below the output folder, or None.
        skipped: dictionary of suffixes of unsupported image files to their numbers.
    """

    pictures: int
    existing: int
    first_existing: str | None
    skipped: dict


def survey(source, target, file_format):
    """Counts the pictures of a folder and their existing results.

    Args:
        source: a folder of `places`.
        target: a folder of `places`; if it lies in `source`, it is not searched for pictures.
        file_format: of the results, a key of `FORMATS`.

    Raises:
        UserError: there is no picture, or two pictures would have the same result.
    """
    pictures, existing, first, skipped = 0, 0, None, collections.Counter()
    for folder, names, others in _folders(source, target):
        skipped.update(os.path.splitext(name)[1].lower() for name in others)
        results = _results(names, file_format)
        if len({*results.values()}) < len(results):
            raise UserError(
                f"two pictures in {source.name(folder)!r} would have one result: upscale them into separate folders"
            )
        there = sorted({*results.values()} & target.names(folder)) if results else []
        pictures, existing = pictures + len(results), existing + len(there)
        if there and first is None:
            first = _joined(folder, there[0])
    if not pictures:
        raise UserError(f"no picture in {str(source)!r}: looked for {', '.join(readable_suffixes())}")
    return Survey(pictures, existing, first, dict(sorted(skipped.items())))


def pictures_to_do(source, target, file_format, *, skip_existing):
    """Yields the pictures of a folder, see `survey`; with `skip_existing` only those that have no result yet."""
    for folder, names, _ in _folders(source, target):
        there = target.names(folder) if skip_existing and names else ()
        for name, result in _results(names, file_format).items():
            if result not in there:
                path = _joined(folder, name)
                yield Picture(path, _joined(folder, result), source.pixels(path, names[name]))


def _folders(source, target):
    """(relative folder, {picture: bytes or None}, names of unsupported files) of each folder."""
    unsupported = unsupported_suffixes()
    for folder, names in source.walk({*readable_suffixes(), *unsupported}, without=target):
        others = [name for name in names if os.path.splitext(name)[1].lower() in unsupported]
        yield folder, {name: size for name, size in names.items() if name not in others}, others


def _results(names, file_format):
    """{picture: result}, both names in their folder."""
    return dict(zip(names, (f"{name}{FORMATS[file_format]}" for name in names_of(names)), strict=True))


def _joined(folder, name):
    return name if folder == "." else f"{folder}/{name}"
