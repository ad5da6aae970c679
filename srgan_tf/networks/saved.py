"""Loading of Keras generators by name or path."""

import pathlib

import keras
import numpy as np

from srgan_tf import runs
from srgan_tf.errors import UserError, first_line
from srgan_tf.networks import layers  # noqa: F401 - registers the custom layers
from srgan_tf.networks.geometry import scale_of
from srgan_tf.weights import shipped


def load_generator(model):
    """Loads a Keras generator: a shipped model by name, a run folder or a `.keras` file.

    Raises:
        UserError: there is no such model, the file is not a generator, or a weight is not finite.
        WorkError: the file of a shipped model is damaged.
    """
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
        UserError: `model` is the old name of a shipped model; the message has the new one.
        WorkError: the file of a shipped model is damaged.
    """
    path = pathlib.Path(model)
    if str(model) in shipped.RENAMED and not path.exists():
        raise UserError(f"the model {str(model)!r} is now called {shipped.RENAMED[str(model)]!r}")
    return shipped.find(str(model)) if str(model) in shipped.names() and not path.exists() else path
