"""Atomic file writes, checks of output paths, and a reader for JSON-lines files.

An unfinished file or folder is called `.unfinished-HOST-RANDOM` and is locked by the process that writes it. The kernel
releases the lock when the process ends, however it ends. `remove_leftovers` deletes what carries this host's name and
is not locked: nobody writes it any more.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import pathlib
import platform
import re
import secrets
import shutil

from srgan_tf.errors import UserError

_RANDOM = re.compile(r"[0-9a-f]{16}(\.|$)")
_UNFINISHED = f".unfinished-{re.sub('[^A-Za-z0-9]', '_', platform.node())[:40]}-"


@contextlib.contextmanager
def atomic_write(path):
    """Yields a temporary path; renames it to `path` when the block ends without an error, else deletes it.

    Args:
        path: the file's final path; its folder must exist.

    Yields:
        Path of an empty file in the same folder, with the same suffix.
    """
    path = pathlib.Path(path)

    def create(unfinished):
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))

    with _locked_path(path.parent, path.suffix, create, os.O_RDWR) as unfinished:
        try:
            yield unfinished
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def unfinished_folder(parent):
    """Yields a new temporary folder in `parent`; deletes it, and whatever is still in it, when the block ends."""
    with _locked_path(pathlib.Path(parent), "", lambda folder: os.mkdir(folder, 0o700), os.O_RDONLY) as folder:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked_path(folder, suffix, create, mode):
    """Creates a file or folder of a random name and locks it."""
    while True:
        path = folder / f"{_UNFINISHED}{secrets.token_hex(8)}{suffix}"
        create(path)
        try:
            descriptor = os.open(path, mode)
        except FileNotFoundError:  # `remove_leftovers` of another process took it already
            continue
        try:
            if lock(descriptor) and path.exists():  # else `remove_leftovers` of another process took it before the lock
                yield path
                return
        finally:
            os.close(descriptor)


def lock(descriptor):
    """Locks an open file or folder until it is closed, without waiting.

    Returns:
        False if another process holds the lock. A file system without locks counts as locked.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def remove_leftovers(folder, *, recursive=False):
    """Deletes unfinished files and folders of processes that were killed on this host; leaves everything else.

    Args:
        folder: where to look; it need not exist.
        recursive: whether to look in the folders below it too.
    """
    folder = pathlib.Path(folder)
    pattern = f"{_UNFINISHED}*"
    for leftover in list(folder.rglob(pattern) if recursive else folder.glob(pattern)):
        with contextlib.suppress(OSError):
            named = _RANDOM.match(leftover.name.removeprefix(_UNFINISHED))
            if not named or leftover.is_symlink() or not (leftover.is_file() or leftover.is_dir()):
                continue
            descriptor = os.open(leftover, os.O_RDONLY if leftover.is_dir() else os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError without locks: it is kept
                if leftover.is_dir():
                    shutil.rmtree(leftover)
                else:
                    leftover.unlink()
            finally:
                os.close(descriptor)


def remove_folder(folder):
    """Deletes a folder that this program made for itself, such as an old checkpoint; one that is missing is fine.

    The results of a run in a folder that the user chose are replaced by `srgan_tf.replacing` instead.

    Raises:
        OSError: it cannot be deleted, or is a link or a file.
    """
    if os.path.islink(folder):  # shutil's error has no text in Python 3.13
        raise OSError(errno.ENOTDIR, "is a symbolic link", str(folder))
    if os.path.lexists(folder):
        shutil.rmtree(folder)


def make_folder(folder):
    """Creates an output folder and its parents, and removes unfinished files of killed processes from it.

    Raises:
        UserError: the path is empty, or the folder cannot be created or written.
    """
    if not str(folder):
        raise UserError("the output folder has an empty name: give --output a path, such as '.'")
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError, RecursionError) as error:  # the last for thousands of folders
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write to the output folder {str(folder)!r}: {reason}") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write to the output folder {str(folder)!r}: no permission")
    remove_leftovers(folder)


def check_encodable(path, *, flag="--output"):
    """Refuses a path that is not UTF-8, which TensorFlow and JSON files cannot have.

    Args:
        path: where something will be written.
        flag: the flag that chooses it, for the message.

    Raises:
        UserError: the path is not UTF-8.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UserError(f"the path {str(path)!r} is not UTF-8, which TensorFlow needs: give another {flag}") from None


def check_targets(targets, inputs, *, flag="--output"):
    """Refuses output paths that overlap an input.

    Args:
        targets: paths that will be written or replaced.
        inputs: paths of pictures, folders and models that are read. Names of shipped models and others that do not
            exist are skipped.
        flag: the flag that chooses the targets, for the message.

    Raises:
        UserError: a target is, contains or lies inside an input.
    """
    inputs = [(path, pathlib.Path(path).resolve()) for path in inputs if os.path.exists(path)]
    for target in targets:
        resolved = pathlib.Path(target).resolve()
        for path, used in inputs:
            if resolved == used or resolved in used.parents or used in resolved.parents:
                raise UserError(f"the output {str(target)!r} overlaps the input {str(path)!r}: give another {flag}")


def read_rows(file, **fields):
    """Reads a JSON-lines file, such as metrics.jsonl.

    Args:
        file: path; a missing file has no rows.
        **fields: required fields of a row and their types. Other lines, such as one that was cut short when a process
            was killed, are skipped.

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
    """The SHA-256 checksum of a file, hexadecimal."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
