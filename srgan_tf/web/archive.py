"""A zip archive of several results, sent while it is made."""

import contextlib
import pathlib
import zipfile

_PART = 1 << 20


class _Parts:
    """An output that a zip is written to; it keeps what was written since the last `take`."""

    def __init__(self):
        self._parts = []

    def write(self, data):
        """Keeps the data."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self):
        """Does nothing."""

    def take(self):
        """Returns what was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


def zip_parts(files):
    """Yields a zip archive in parts; the files, which are compressed already, are stored as they are.

    Args:
        files: list of (name, path). Equal names are numbered: `a.png`, `a (2).png`. Files that have been deleted are
            left out.
    """
    output, names = _Parts(), set()
    with zipfile.ZipFile(output, "w") as archive:
        for name, path in files:
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as source:
                entry = zipfile.ZipInfo(_unique(name, names))
                with archive.open(entry, "w", force_zip64=True) as target:
                    while part := source.read(_PART):
                        target.write(part)
                        yield output.take()
                yield output.take()
    yield output.take()


def _unique(name, names):
    path, candidate, number = pathlib.PurePath(name), name, 1
    while candidate.lower() in names:
        number += 1
        candidate = f"{path.stem} ({number}){path.suffix}"
    names.add(candidate.lower())
    return candidate
