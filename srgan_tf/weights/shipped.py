"""The generators that lie beside this file, named after the presets that made them, with settings as in their cards."""

import json
import pathlib

from srgan_tf.errors import WorkError
from srgan_tf.files import sha256

FOLDER = pathlib.Path(__file__).parent
# What upscale.py takes if no model is named.
DEFAULT = "srgan_x4"


def names():
    """The names, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_card(name):
    """What is known of a generator: see `packing.add`.

    Args:
        name: one of `names`.

    Returns:
        Dictionary of JSON values.
    """
    return json.loads((FOLDER / f"{name}.json").read_text())


def find(name):
    """The file of a generator, after a look at its check sum.

    Args:
        name: one of `names`.

    Returns:
        Path of a `.keras` file.

    Raises:
        WorkError: the file is missing, or not the one that its card is of.
    """
    file = FOLDER / f"{name}.keras"
    try:
        checksum = sha256(file)
    except OSError as error:
        raise WorkError(f"cannot read the weights of {name!r}: {error.strerror}: {str(file)!r}") from error
    if checksum != read_card(name)["sha256"]:
        raise WorkError(f"{str(file)!r} is damaged, its check sum is not the one in its card: install srgan_tf again")
    return file
