"""Replaces the results of an earlier run, and nothing else: what a run writes is listed in a manifest."""

import json
import os
import pathlib

from srgan_tf.errors import UserError
from srgan_tf.files import atomic_write, remove_folder

# In every folder that a later run may replace: a JSON list of the files in it, so that nothing else is deleted.
MANIFEST_FILE = ".srgan_tf_files.json"


def check_replaceable(folder):
    """Refuses to replace a folder that holds anything but the results of an earlier run.

    Args:
        folder: path. A folder that does not exist or is empty may be replaced.

    Raises:
        UserError: the path is a link or a file, or the folder has files that its manifest does not list.
    """
    folder = pathlib.Path(folder)
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"cannot replace {str(folder)!r}: it is not a folder; give another --output")
    if not folder.exists():
        return
    foreign = sorted(_files_below(folder) - _listed(folder) - {MANIFEST_FILE})
    if foreign:
        raise UserError(
            f"cannot replace the folder {str(folder)!r}: it contains {foreign[0]!r}, which no earlier run wrote; "
            "give another --output"
        )


def check_replaceable_files(folder, names):
    """Refuses to replace files that no earlier run wrote.

    Args:
        folder: path.
        names: of files in it, which need not exist.

    Raises:
        UserError: there is a file or link of such a name that the folder's manifest does not list.
    """
    folder = pathlib.Path(folder)
    for name in sorted(set(names) - _listed(folder)):
        if os.path.lexists(folder / name):
            raise UserError(f"cannot replace {str(folder / name)!r}, which no earlier run wrote: give another --output")


def _listed(folder):
    """Names of the files in a folder's manifest; empty if it has none or one that is damaged."""
    try:
        return set(json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return set()


def write_manifest(folder):
    """Lists the files of a folder in it, which allows a later run to replace the folder (`check_replaceable`)."""
    folder = pathlib.Path(folder)
    files = sorted(_files_below(folder))
    (folder / MANIFEST_FILE).write_text(json.dumps(files, ensure_ascii=True), encoding="utf-8")


def replace_files(unfinished, folder):
    """Moves the files of a finished folder into another folder, which keeps its other files.

    The manifest is written first: after a crash in between, the next run may still replace every file.

    Args:
        unfinished: path of the new files' folder, on the same file system.
        folder: path.

    Raises:
        UserError: a file may not be replaced; see `check_replaceable_files`.
    """
    unfinished, folder = pathlib.Path(unfinished), pathlib.Path(folder)
    names = sorted(path.name for path in unfinished.iterdir() if path.is_file())
    check_replaceable_files(folder, names)
    listed = sorted({name for name in _listed(folder) if os.path.lexists(folder / name)} | set(names))
    with atomic_write(folder / MANIFEST_FILE) as file:
        file.write_text(json.dumps(listed, ensure_ascii=True), encoding="utf-8")
    for name in names:
        os.replace(unfinished / name, folder / name)


def replace_folder(unfinished, target):
    """Moves a finished folder to `target` and deletes the folder that was there.

    Args:
        unfinished: path of the new folder, on the same file system.
        target: path.

    Raises:
        UserError: `target` may not be replaced; see `check_replaceable`.
    """
    check_replaceable(target)
    remove_folder(target)
    os.replace(unfinished, target)


def _files_below(folder):
    """Relative paths of all files and links below a folder, as strings; links are not followed."""
    return {
        os.path.relpath(os.path.join(parent, name), folder)
        for parent, folders, files in os.walk(folder)
        for name in [*files, *(each for each in folders if os.path.islink(os.path.join(parent, each)))]
    }
