"""Loading of Keras generators by name or path."""

import pathlib

import keras
import numpy as np

from srgan_tf import runs
from srgan_tf.errors import UserError, first_line
from srgan_tf.files import sha256
from srgan_tf.networks import layers  # noqa: F401 - registers the custom layers
from srgan_tf.networks.geometry import scale_of
from srgan_tf.networks.interpolation import interpolate
from srgan_tf.weights import shipped


def load_generator(model, *, strength=None):
    """Loads a Keras generator: a shipped model by name, a run folder or a `.keras` file.

    Args:
        model: name or path.
        strength: None for the model itself; otherwise a position between its faithful counterpart (0) and it (1), whose
            weights are interpolated. Only for shipped models that have a counterpart.

    Raises:
        UserError: there is no such model, the file is not a generator, a weight is not finite, `strength` is out of
            range, or the model has no faithful counterpart.
        WorkError: the file of a shipped model is damaged.
    """
    if strength is not None:
        return interpolate(load_generator(faithful_of(model, strength)), load_generator(model), strength)
    path = find(model)
    file = path / runs.GENERATOR_FILE if path.is_dir() else path
    if not file.is_file():
        if path.is_dir():
            raise UserError(f"no Keras model in the folder {str(model)!r}: it contains no {runs.GENERATOR_FILE}")
        raise UserError(
            f"no model {str(model)!r}: expected {', '.join(map(repr, shipped.names()))}, a run folder or a .keras file"
        )
    try:
        generator = keras.saving.load_model(file, compile=False)
    except Exception as error:  # Keras raises various exceptions on invalid files
        raise UserError(f"{str(file)!r} is not a Keras model: {first_line(error)}") from error
    try:
        scale_of(generator)
    except ValueError as error:
        raise UserError(f"{str(file)!r} is not a generator: {error}") from error
    if not all(np.isfinite(weight).all() for weight in generator.get_weights()):
        raise UserError(f"{str(file)!r} has weights that are not finite: its training diverged")
    return generator


def find(model):
    """The path of a model. An existing file or folder takes precedence over a shipped model of that name.

    Raises:
        UserError: `model` is a shipped model of an earlier version; the message names its successor.
        WorkError: the file of a shipped model is damaged.
    """
    path = pathlib.Path(model)
    if str(model) in shipped.REPLACED and not path.exists():
        raise UserError(f"the model {str(model)!r} was replaced by {shipped.REPLACED[str(model)]!r}")
    return shipped.find(str(model)) if str(model) in shipped.names() and not path.exists() else path


def checksum(model):
    """Checksum of the file of a model or a mask, or of all files of an exported folder; a name for bicubic."""
    path = find(model)
    if path.is_dir() and (path / runs.GENERATOR_FILE).is_file():
        path /= runs.GENERATOR_FILE
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return " ".join(f"{file.relative_to(path).as_posix()}:{sha256(file)[:16]}" for file in files)
    return sha256(path) if path.is_file() else str(model)


def faithful_of(model, strength):
    """The name of the faithful counterpart of a shipped model, for `strength`.

    Raises:
        UserError: `strength` is out of range, or the model has no counterpart; the message names those that have one.
    """
    if not 0 <= strength <= 1:
        raise UserError(f"the strength must be between 0 and 1 (received {strength:g})")
    pairs = shipped.pairs()
    if str(model) not in pairs or pathlib.Path(model).exists():
        raise UserError(
            f"the model {str(model)!r} has no strength; models that have one: {', '.join(pairs) or 'none'} "
            "(for others, upscale has --interpolate)"
        )
    return pairs[str(model)]
