"""Writing results so that a name never stands for half of one, and reading what grew line by line all the same."""

import contextlib
import hashlib
import json
import os
import pathlib

from srgan_tf.errors import UserError


@contextlib.contextmanager
def written_aside(path):
    """A path to write to; what lies there takes the place of `path` when the block ends without an error.

    Args:
        path: the file's final place; its folder must exist.

    Yields:
        Path in the same folder, with the same suffix.
    """
    path = pathlib.Path(path)
    unfinished = path.with_name(f".unfinished-{os.getpid()}{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def make_folder(folder):
    """Makes an output folder and those above it.

    Raises:
        UserError: it cannot be made or written.
    """
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write to the output folder {str(folder)!r}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write to the output folder {str(folder)!r}: no permission")


def read_rows(file, **fields):
    """The rows of a file of JSON objects, one a line, such as metrics.jsonl.

    Args:
        file: the file; where there is none, there are no rows.
        **fields: names to types of what a row must hold. Lines without, such as one that a kill or a failing disk cut
            short, are passed over.

    Returns:
        List of dictionaries.
    """
    file = pathlib.Path(file)
    rows = []
    for line in file.read_text(errors="replace").splitlines() if file.is_file() else ():
        with contextlib.suppress(json.JSONDecodeError):
            rows.append(json.loads(line))
    return [
        row
        for row in rows
        if isinstance(row, dict) and all(isinstance(row.get(name), kind) for name, kind in fields.items())
    ]


def sha256(file):
    """The check sum of a file, hexadecimal."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
