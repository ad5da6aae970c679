"""Decoded pictures on disk, for sets that are too large for memory.

A store is a folder with the pairs of one source: `pixels.bin`, their uint8 pixels one after the other, and
`index.json`, their positions in it. The rows of a crop are read with one `pread`, so memory does not grow with the size
of the set; the operating system caches the file. docs/BENCHMARKS.md has measurements. A memory map is faster once the
file is cached but slower before: read-ahead at each page fault loads several times the bytes of a crop.

The folder's name contains a hash of the identity of the pictures, so a changed source gets a new store. A store gets
its name only when it is complete.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import pathlib
import re
import shutil
import weakref
import zlib

import numpy as np

from srgan_tf.data.pairs import Pair, UnreadableError
from srgan_tf.data.progress import with_progress
from srgan_tf.errors import WorkError
from srgan_tf.files import lock, remove_folder

VERSION = 1  # of the layout and of how pixels are made from files

_PIXELS, _INDEX = "pixels.bin", "index.json"
_UNFINISHED = ".unfinished-"
_CHECKED_PICTURES = 8  # evenly spaced; checking all would mean reading the whole file

_log = logging.getLogger(__name__)


def default_cache():
    """The default folder for stores: `srgan_tf` in the user's cache folder."""
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "srgan_tf"


class PixelFile:
    """The pixels of a store. The file is open while a picture is in use, so the store may be deleted meanwhile."""

    def __init__(self, path):
        self._descriptor = os.open(path, os.O_RDONLY)
        self._path = path
        weakref.finalize(self, os.close, self._descriptor)

    def size(self):
        """Its size in bytes."""
        return os.fstat(self._descriptor).st_size

    def read(self, offset, size):
        """Reads `size` bytes from `offset`.

        Raises:
            WorkError: the file ends before them.
        """
        pixels = os.pread(self._descriptor, size, offset)
        if len(pixels) != size:
            raise WorkError(f"{str(self._path)!r} was damaged while it was in use")
        return pixels


class StoredPicture:
    """A picture in a store, like a uint8 [height, width, 3] array for crops. Pixels are read on access.

    Attributes:
        shape: (height, width, 3).
    """

    __slots__ = ("_file", "_offset", "shape")

    def __init__(self, file, offset, height, width):
        self._file = file
        self._offset = offset
        self.shape = (height, width, 3)

    def __getitem__(self, window):
        """The pixels of `picture[top:bottom, left:right]`, uint8 [bottom - top, right - left, 3], read-only."""
        rows, columns = window
        row_bytes = self.shape[1] * 3
        pixels = self._file.read(self._offset + rows.start * row_bytes, (rows.stop - rows.start) * row_bytes)
        return np.frombuffer(pixels, np.uint8).reshape(-1, *self.shape[1:])[:, columns]


def stored_pairs(source, cache):
    """The pairs of a source from its store, which is built if it is missing or damaged.

    If two processes need the same store, one builds it and the other waits.

    Args:
        source: a `Source` of `Loader`s. The pairs of all its loaders are stored, not only the chosen ones.
        cache: folder for stores; created if missing.

    Returns:
        Dictionary from the index of a loader to its `Pair` of `StoredPicture`s. Pictures smaller than one LR pixel are
        left out.

    Raises:
        UnreadableError: some pictures cannot be read; lists all of them. No unfinished store remains.
        WorkError: the store cannot be written. No unfinished store remains.
    """
    cache = pathlib.Path(cache).expanduser()
    key = hashlib.sha256(json.dumps([VERSION, [loader.identity() for loader in source.loaders]]).encode()).hexdigest()
    folder = cache / f"{re.sub(r'[^A-Za-z0-9_-]', '_', source.name)[:40]}-{key[:16]}"
    pairs = _open(folder)
    if pairs is None:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with _locked(cache):
                pairs = _open(folder)  # another process may have built it in the meantime
                if pairs is None:
                    _build(source.all(), folder)
                    pairs = _open(folder)
        except OSError as error:
            raise WorkError(
                f"cannot keep decoded pictures in {str(cache)!r}: {error.strerror or error}; "
                "--set data.cache=FOLDER names another folder"
            ) from error
    _log.info("%s: %d decoded pictures in %s", source.name, len(pairs), folder)
    return pairs


def _open(folder):
    """The pairs of a store; None if it is missing or damaged."""
    if not folder.exists():
        return None
    try:
        entries = json.loads((folder / _INDEX).read_text())
        file = PixelFile(folder / _PIXELS)
        if file.size() != sum(entry["bytes"] for entry in entries):
            raise ValueError("its size is wrong")
        for entry in entries[:: max(1, len(entries) // _CHECKED_PICTURES)]:
            if zlib.crc32(file.read(entry["offset"], entry["bytes"])) != entry["crc32"]:
                raise ValueError(f"the picture {entry['name']!r} has changed")
        return {entry["loader"]: _stored_pair(file, entry) for entry in entries}
    except (OSError, WorkError, ValueError, KeyError, TypeError) as error:
        _log.warning("the store of decoded pictures %s is damaged (%s) and is built again", folder, error)
        return None


def _stored_pair(file, entry):
    lr_size, hr_size = entry["lr"], entry["hr"]
    hr_offset = entry["offset"] + lr_size[0] * lr_size[1] * 3
    return Pair(entry["name"], StoredPicture(file, entry["offset"], *lr_size), StoredPicture(file, hr_offset, *hr_size))


@contextlib.contextmanager
def _locked(cache):
    """Allows one process at a time to build in a folder. The lock is released when the process ends, in any way."""
    with open(cache / ".lock", "a") as file:
        if not lock(file):
            _log.info("waiting for another process that decodes pictures into %s", cache)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(source, folder):
    # No other process builds here now, so these folders are from killed processes.
    for leftover in folder.parent.glob(_UNFINISHED + "*"):
        remove_folder(leftover)
    remove_folder(folder)
    size, free = source.decoded_bytes(), shutil.disk_usage(folder.parent).free
    if size > free:
        raise WorkError(
            f"the decoded pictures of {source.name!r} take {size / 1e9:.3g} GB, but {str(folder.parent)!r} has "
            f"{free / 1e9:.3g} GB free; --set data.cache=FOLDER names another folder"
        )
    _log.info(
        "%s: decoding pictures once, %.3g GB, into %s; it may be deleted at any time", source.name, size / 1e9, folder
    )
    unfinished = folder.with_name(_UNFINISHED + folder.name)
    try:
        unfinished.mkdir()
        with open(unfinished / _PIXELS, "wb") as file:
            entries = [*_write_pixels(source, file)]
            file.flush()
            os.fsync(file.fileno())
        (unfinished / _INDEX).write_text(json.dumps(entries))
        unfinished.rename(folder)
    finally:
        with contextlib.suppress(OSError):
            remove_folder(unfinished)


def _write_pixels(source, file):
    """Writes a source's pairs, and yields the index entry of each.

    Raises:
        UnreadableError: at the end, if some pictures cannot be read; lists all of them.
    """
    unreadable = []
    stored = [index for index, size in enumerate(source.hr_sizes) if min(size)]
    pairs = with_progress(source.select(stored).attempts(), len(stored), f"{source.name}: decoded")
    for index, pair in zip(stored, pairs, strict=True):
        if isinstance(pair, WorkError):
            unreadable.append(str(pair))
            continue
        pixels = pair.lr.tobytes() + pair.hr.tobytes()
        yield {
            "loader": index,
            "name": pair.name,
            "offset": file.tell(),
            "bytes": len(pixels),
            "lr": pair.lr.shape[:2],
            "hr": pair.hr.shape[:2],
            "crc32": zlib.crc32(pixels),
        }
        file.write(pixels)
    if unreadable:
        raise UnreadableError(unreadable)
