"""Files in the output folder: the model and options of its results, and the pictures that failed."""

import contextlib
import json
import pathlib
import tempfile

import srgan_tf
from srgan_tf.cluster.places import LocalFolder
from srgan_tf.errors import UserError

RECORD_FILE = ".srgan_tf_upscale.json"
FAILURES_FILE = "failures.jsonl"


def read_record(target):
    """The record of an output folder, a dictionary; None if it has none.

    Raises:
        UserError: it is damaged.
    """
    text = target.read_text(RECORD_FILE)
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        if isinstance(record := json.loads(text), dict):
            return record
    raise UserError(f"{target.name(RECORD_FILE)!r} is damaged: give another --output, or delete the folder")


def check_record(target, found, wanted):
    """Refuses to mix results of different models or options in a folder.

    Args:
        target: the output folder.
        found: from `read_record`, or None.
        wanted: dictionary of what the results depend on.

    Raises:
        UserError: the two differ; the message names what.
    """
    for name, value in wanted.items():
        if found is not None and found.get(name) != value:
            difference = f"{found.get(name)}, now {value}"
            raise UserError(f"{str(target)!r} holds results of another {name} ({difference}): give another --output")


def write_record(target, wanted, **information):
    """Writes the record; `information` and the version of this program are not compared."""
    target.write_text(RECORD_FILE, json.dumps({"version": srgan_tf.__version__, **information, **wanted}, indent=1))


class Failures:
    """`failures.jsonl` of a run: one line for each picture that failed, with the reason. Replaces that of earlier runs.

    A local file grows with each failure. One at an address is written when the block ends.

    Args:
        target: the output folder.
    """

    def __init__(self, target):
        self._target = target
        self.count = 0

    def __enter__(self):
        self._target.remove(FAILURES_FILE)
        self._folder = tempfile.TemporaryDirectory()
        is_local = isinstance(self._target, LocalFolder)
        self._file = pathlib.Path(self._target.name(FAILURES_FILE) if is_local else f"{self._folder.name}/failures")
        return self

    def add(self, picture, reason):
        """Adds a picture, by its path or address."""
        self.count += 1
        with open(self._file, "a", encoding="utf-8") as file:
            file.write(json.dumps({"picture": picture, "reason": reason}) + "\n")

    def __exit__(self, *_):
        with self._folder:
            if self.count and not isinstance(self._target, LocalFolder):
                self._target.write_text(FAILURES_FILE, self._file.read_text(encoding="utf-8"))
