"""The run folder: what is in it, and whose it is."""

import json
import os
import pathlib

from srgan_tf import config as configuration
from srgan_tf.errors import UserError, first_line
from srgan_tf.outputs import make_folder, written_aside

CONFIG_FILE = "config.json"

# How often a run reports and where its pictures are kept do not change what it learns.
_FREE_SETTINGS = ("reporting.", "data.store", "data.cache")


def check_workdir(config, workdir):
    """Makes sure, without writing, that a run of these settings may use a folder.

    Raises:
        UserError: another run's settings are in it (the fields that differ are listed), or it cannot be written.
    """
    workdir = pathlib.Path(workdir)
    existing = next(path for path in [workdir, *workdir.absolute().parents] if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise UserError(f"cannot write to the workdir {str(workdir)!r}: {str(existing)!r} is no writable folder")
    file = workdir / CONFIG_FILE
    if not file.exists():
        return
    try:
        # Settings that were added since have their defaults.
        settings = configuration.to_dict(configuration.from_dict(json.loads(file.read_text())))
    except (ValueError, OSError) as error:
        raise UserError(f"{str(file)!r} is no run's settings: {first_line(error)}") from error
    before, now = configuration.flatten(settings), configuration.flatten(configuration.to_dict(config))
    differing = [
        f"{name} was {before.get(name)!r}, is {now.get(name)!r}"
        for name in sorted(before.keys() | now.keys())
        if before.get(name) != now.get(name) and not name.startswith(_FREE_SETTINGS)
    ]
    if differing:
        raise UserError(
            f"the run in {str(workdir)!r} has other settings; give another --workdir. {'; '.join(differing)}"
        )


def write_config(config, workdir):
    """Makes the run folder and records the settings in it."""
    workdir = pathlib.Path(workdir)
    make_folder(workdir)
    with written_aside(workdir / CONFIG_FILE) as unfinished:
        unfinished.write_text(json.dumps(configuration.to_dict(config), indent=2) + "\n")
