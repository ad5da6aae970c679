"""Writing results so that a name never stands for half of one, and reading what grew line by line all the same."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil

from srgan_tf.errors import UserError

# In every folder that a later run may replace: a JSON list of the files in it, so that nothing else is deleted.
MANIFEST_FILE = ".srgan_tf_files.json"


@contextlib.contextmanager
def atomic_write(path):
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


def check_targets(targets, inputs):
    """Refuses output paths that overlap an input.

    Args:
        targets: paths that will be written or replaced.
        inputs: paths of pictures, folders and models that are read.

    Raises:
        UserError: a target is, contains or lies inside an input.
    """
    inputs = [(path, pathlib.Path(path).resolve()) for path in inputs]
    for target in targets:
        resolved = pathlib.Path(target).resolve()
        for path, used in inputs:
            if resolved == used or resolved in used.parents or used in resolved.parents:
                raise UserError(f"the output {str(target)!r} overlaps the input {str(path)!r}: give another --output")


def check_replaceable(folder):
    """Refuses to replace a folder that holds anything but the results of an earlier run.

    Args:
        folder: path; one that does not exist, or an empty folder, may be used.

    Raises:
        UserError: the path is a link or a file, was not written by `write_manifest`, or has files added since.
    """
    folder = pathlib.Path(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"cannot replace {str(folder)!r}: it is not a folder; give another --output")
    if not folder.exists():
        return
    try:
        written = set(json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        written = set()
    foreign = sorted(_files_below(folder) - written - {MANIFEST_FILE})
    if foreign:
        raise UserError(
            f"cannot replace the folder {str(folder)!r}: it contains {foreign[0]!r}, which no earlier run wrote; "
            "give another --output"
        )


def write_manifest(folder):
    """Lists the files of a folder in it, which allows a later run to replace the folder (`check_replaceable`)."""
    folder = pathlib.Path(folder)
    files = sorted(_files_below(folder))
    (folder / MANIFEST_FILE).write_text(json.dumps(files, ensure_ascii=True), encoding="utf-8")


def replace_folder(unfinished, target):
    """Moves a finished folder to `target` and deletes the folder that was there.

    Args:
        unfinished: path of the new folder, on the same file system.
        target: path.

    Raises:
        UserError: `target` may not be replaced; see `check_replaceable`.
    """
    check_replaceable(target)
    if os.path.lexists(target):
        shutil.rmtree(target)
    os.replace(unfinished, target)


def _files_below(folder):
    """Paths of everything but folders, relative to the folder, as strings; links are not followed."""
    return {
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, folders, files in os.walk(folder)
        for name in [*files, *(each for each in folders if os.path.islink(os.path.join(parent, each)))]
    }


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
