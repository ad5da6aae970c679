"""The run folder: its settings, its lock and its record of sessions."""

import contextlib
import datetime
import fcntl
import hashlib
import json
import logging
import os
import pathlib
import platform
import subprocess
import sys

import keras
import numpy as np
import tensorflow as tf

from srgan_tf import hardware
from srgan_tf.config.schema import Config, flatten
from srgan_tf.errors import UserError, first_line
from srgan_tf.files import atomic_write, check_encodable, check_targets, make_folder, read_rows, remove_leftovers
from srgan_tf.precisions import AUTO
from srgan_tf.runs import CONFIG_FILE, SESSIONS_FILE, written_paths

_LOCK_FILE = ".lock"
PACKAGE_FOLDER = pathlib.Path(__file__).parents[1]
_GIT_STATUS = ["status", "--porcelain", "--untracked-files=no"]
# Settings that may change when a run is resumed: how it is computed, what it reports and where its pictures are kept,
# but not what it learns. A setting is matched by its full name, or by the group that it is in.
_FREE_SETTINGS = frozenset(
    ("precision", "jit", "micro_batches", "max_skipped", "deterministic", "data.store", "data.cache")
)
_FREE_GROUPS = frozenset(("reporting",))

_log = logging.getLogger(__name__)


def check_workdir(config, workdir):
    """Checks, without writing, that a run with these settings may use a folder.

    Raises:
        UserError: it has a run with other settings (the error lists those that differ), files of these names
            but no config.json, overlaps the data or a model that the run reads, is not writable, or is not UTF-8.
    """
    workdir = pathlib.Path(workdir)
    check_encodable(workdir, flag="--workdir")
    existing = next(path for path in [workdir, *workdir.absolute().parents] if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UserError(f"cannot write to the workdir {str(workdir)!r}: {str(existing)!r} is not a writable folder")
    paths = written_paths(workdir)
    read = [*config.data.train, *config.data.valid, config.init_generator, config.gan.ranker]
    check_targets(paths, filter(None, read), flag="--workdir")
    file = workdir / CONFIG_FILE
    if not file.exists():
        foreign = next(filter(os.path.lexists, paths), None)
        if foreign is not None:
            raise UserError(
                f"the workdir {str(workdir)!r} has {foreign.name!r} but no {CONFIG_FILE}, so it is not a run folder: "
                "give another --workdir"
            )
        return
    settings = _read_config(file).to_dict()
    before, now = flatten(settings), flatten(config.to_dict())
    differing = [
        f"{name} was {before.get(name)!r}, is {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name) and not is_free(name)
    ]
    if differing:
        raise UserError(
            f"the run in {str(workdir)!r} has other settings; give another --workdir. {'; '.join(differing)}"
        )


def is_free(name):
    """Whether a setting, by its full name such as "data.store", may change when a run is resumed."""
    return name in _FREE_SETTINGS or name.split(".")[0] in _FREE_GROUPS


def resolved_precision(config, workdir):
    """The precision of a run: "auto" is that of the run's config.json if it is resumed, else the device's."""
    file = pathlib.Path(workdir) / CONFIG_FILE
    if config.precision == AUTO and file.exists():
        config = _read_config(file)
    return hardware.resolve_precision(config.precision)


def _read_config(file):
    try:
        # Settings that were added since have their defaults.
        return Config.from_dict(json.loads(file.read_text()))
    except (ValueError, OSError) as error:
        raise UserError(f"{str(file)!r} is not a run's config.json: {first_line(error)}") from error


def write_config(config, workdir):
    """Makes the run folder and records the settings in it."""
    workdir = pathlib.Path(workdir)
    make_folder(workdir)
    with atomic_write(workdir / CONFIG_FILE) as unfinished:
        unfinished.write_text(json.dumps(config.to_dict(), indent=2) + "\n")


@contextlib.contextmanager
def lock_workdir(workdir):
    """Locks the run folder while the block runs; the lock is released if the process dies.

    Raises:
        UserError: another process is training in it.
    """
    with (pathlib.Path(workdir) / _LOCK_FILE).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is training in {str(workdir)!r}") from None
        except OSError as error:  # some network file systems have no locks
            _log.warning("cannot lock %s against other training processes: %s", workdir, error.strerror)
        remove_leftovers(workdir, recursive=True)
        yield


def record_session(workdir, train_pairs, *, replicas):
    """Adds a line about this process to sessions.jsonl: what is needed to reproduce the run.

    Warns if the training set is not the one of the last session.
    """
    file = pathlib.Path(workdir) / SESSIONS_FILE
    session = {
        "start": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "git_commit": git_commit(),
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
        "host": platform.node(),
        "device": hardware.describe(),
        "replicas": replicas,
        "data": fingerprint(train_pairs),
    }
    sessions = read_rows(file, data=str)
    if sessions and sessions[-1]["data"] != session["data"]:
        _log.warning("the training pictures are not those of the last session: this run cannot be reproduced exactly")
    with atomic_write(file) as unfinished:
        unfinished.write_text("".join(json.dumps(each) + "\n" for each in [*sessions, session]))


def fingerprint(pairs):
    """Checksum of a training set: SHA-256 of every picture's name, size and middle row.

    Args:
        pairs: sequence of `Pair`.

    Returns:
        Hexadecimal string.
    """
    digest = hashlib.sha256()
    for pair in pairs:
        digest.update(f"{pair.name}{pair.hr.shape}".encode(errors="surrogateescape"))
        for picture in (pair.lr, pair.hr):
            height, width, _ = picture.shape
            digest.update(np.ascontiguousarray(picture[height // 2 : height // 2 + 1, 0:width]))
    return digest.hexdigest()


def git_commit(folder=PACKAGE_FOLDER):
    """The commit of a package's checkout, followed by "+" if tracked files have changed since.

    Returns:
        None if git does not track the package: the repository around an installed package is another project's.
    """
    commands = (["ls-files", "--error-unmatch", "__init__.py"], ["rev-parse", "HEAD"], _GIT_STATUS)
    try:
        _, commit, status = (
            subprocess.run(
                ["git", "-C", str(folder), *command], capture_output=True, text=True, check=True, timeout=10
            ).stdout
            for command in commands
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.strip() + ("+" if status else "")
