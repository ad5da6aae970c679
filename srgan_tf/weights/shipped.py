"""The trained generators in this folder. Each has the name of the preset that trained it, and a card."""

import json
import pathlib

from srgan_tf.errors import WorkError
from srgan_tf.files import sha256

FOLDER = pathlib.Path(__file__).parent
DEFAULT = "photo_x4"  # of upscaling, if no model is given
# Models of earlier versions and their successors.
REPLACED = {
    "srresnet_x4": "srresnet_lite_x4",
    "srresnet_skip_x4": "srresnet_lite_x4",
    "srgan_x4": "srgan_lite_x4",
    "srgan_skip_x4": "srgan_lite_x4",
}


def names():
    """The names, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def read_card(name):
    """The model card: origin, licence, training settings and scores (tools/pack_weights.py writes it).

    Args:
        name: one of `names`.

    Returns:
        Dictionary of JSON values.
    """
    return json.loads((FOLDER / f"{name}.json").read_text())


def pairs():
    """The sharp models and their faithful counterparts: networks of one architecture and a shared training history.

    Returns:
        Dictionary of names: {sharp: faithful}.
    """
    cards = map(read_card, names())
    return {card["name"]: card["faithful"] for card in cards if card.get("faithful")}


def find(name):
    """The file of a generator; verifies its checksum.

    Args:
        name: one of `names`.

    Returns:
        Path of a `.keras` file.

    Raises:
        WorkError: the file is missing, or its checksum is not the one in its card.
    """
    file = FOLDER / f"{name}.keras"
    try:
        checksum = sha256(file)
    except OSError as error:
        raise WorkError(f"cannot read the weights of {name!r}: {error.strerror}: {str(file)!r}") from error
    if checksum != read_card(name)["sha256"]:
        raise WorkError(f"{str(file)!r} is damaged, its checksum is not the one in its card: reinstall srgan_tf")
    return file
