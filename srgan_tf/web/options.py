"""The options of a request: model, size, strength and format, from the query of its URL."""

import math
import os
import pathlib
import re
from typing import NamedTuple

from srgan_tf.errors import UserError
from srgan_tf.photos import file_formats
from srgan_tf.weights import shipped

FORMATS = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "avif": "image/avif", "tiff": "image/tiff"}
SUFFIXES = {name: file_formats.FORMATS[name] for name in FORMATS}
_NAMES = ("model", "scale", "size", "strength", "format", "name")
_LONGEST_NAME = 120


class Model(NamedTuple):
    """A model that requests may name.

    Attributes:
        name: in requests.
        source: what `load_upscaler` takes.
        summary: one sentence.
        scale: its factor; None if it is known only when it is loaded.
        has_strength: whether it has a faithful counterpart.
    """

    name: str
    source: str
    summary: str
    scale: int | None
    has_strength: bool


class Options(NamedTuple):
    """What a request asks for; `scale` and `size` as in `photos.upscale.Enlargement`."""

    model: Model
    scale: float | None
    size: tuple[int, int] | None
    strength: float | None
    format: str
    name: str


def models(paths=()):
    """The models that requests may name: the default first, the other included ones, bicubic, and `paths`.

    A request never names a path: only the models that the command line gave can be loaded.

    Args:
        paths: run folders, `.keras` files and exports, each named after its last part, or names of included models; the
            last one becomes the default.

    Returns:
        Dictionary of names to `Model`.

    Raises:
        UserError: a path does not exist.
    """
    sharp = shipped.pairs()
    cards = map(shipped.read_card, sorted(shipped.names(), key=lambda name: (name != shipped.DEFAULT, name)))
    listed = [
        Model(card["name"], card["name"], card["summary"], card["scale"], card["name"] in sharp) for card in cards
    ]
    listed.append(Model("bicubic", "bicubic", "Interpolation without a network, for comparison.", None, False))
    for path in paths:
        included = next((model for model in listed if model.source == str(path)), None)
        if included is None and not os.path.exists(path):
            raise UserError(
                f"no model {str(path)!r}: expected a run folder, a .keras file, an export, or one of "
                f"{', '.join(model.name for model in listed)}"
            )
        name = pathlib.Path(path).resolve().name
        listed.insert(0, included or Model(name, str(path), f"Your model {name}.", None, False))
    return {model.name: model for model in listed}


def parse(query, models):
    """Reads the options from a query.

    Args:
        query: dictionary of strings.
        models: from `models`; the first is the default.

    Returns:
        `Options`.

    Raises:
        ValueError: an option is unknown or has no valid value; the message names it.
    """
    for name in query:
        if name not in _NAMES:
            raise ValueError(f"unknown option {name!r}: expected {', '.join(_NAMES)}")
    model = models.get(query.get("model", next(iter(models))))
    if model is None:
        raise ValueError(f"no model {query['model']!r}: expected {', '.join(models)}")
    if "scale" in query and "size" in query:
        raise ValueError("scale and size cannot be given together")
    strength = _number("strength", query, 0, 1)
    if strength is not None and not model.has_strength:
        raise ValueError(f"the model {model.name!r} has no strength: it has no faithful counterpart")
    kind = query.get("format", "png")
    if kind not in FORMATS:
        raise ValueError(f"no format {kind!r}: expected {', '.join(FORMATS)}")
    scale = _number("scale", query, 0.05, 64)
    return Options(model, scale, _size(query.get("size")), strength, kind, clean_name(query.get("name", "")))


def _number(name, query, least, most):
    text = query.get(name)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:  # False for NaN
        raise ValueError(f"{name} must be a number from {least:g} to {most:g} (received {text!r})")
    return value


def _size(text):
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", text, re.ASCII)
    if match is None:
        raise ValueError(f"size must be WIDTHxHEIGHT in pixels, such as 1920x1080 (received {text!r})")
    return int(match[1]), int(match[2])


def clean_name(text):
    """A file name without its folder, its suffix, and characters that some file system or archive cannot store.

    >>> clean_name("../../etc/pass<b>wd.jpg")
    'pass_b_wd'
    >>> clean_name("..")
    'picture'
    """
    stem = pathlib.PurePosixPath(text.replace("\\", "/")).stem
    kept = "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in stem)
    return kept.strip(" .")[:_LONGEST_NAME] or "picture"
