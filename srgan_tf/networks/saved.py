"""Loading a Keras generator by the name that the user gives."""

import pathlib

import keras

from srgan_tf import runs
from srgan_tf.errors import UserError, first_line
from srgan_tf.networks import layers  # noqa: F401 - registers the layers that a saved generator may hold
from srgan_tf.networks.geometry import scale_of
from srgan_tf.weights import shipped


def load_generator(model):
    """Loads a Keras generator: one that comes with the package, a run folder's or a `.keras` file.

    Raises:
        UserError: no such model, or a file that is none.
        WorkError: a model that comes with the package is damaged.
    """
    path = find(model)
    file = path / runs.GENERATOR_FILE if path.is_dir() else path
    if not file.is_file():
        if path.is_dir():
            raise UserError(f"no Keras model in the folder {str(model)!r}: it holds no {runs.GENERATOR_FILE}")
        raise UserError(
            f"no model {str(model)!r}: expected {', '.join(map(repr, shipped.names()))}, a run folder or a .keras file"
        )
    try:
        generator = keras.saving.load_model(file, compile=False)
    except Exception as error:  # Keras raises of many kinds on a file that is not its own
        raise UserError(f"{str(file)!r} is no Keras model: {first_line(error)}") from error
    try:
        scale_of(generator)
    except ValueError as error:
        raise UserError(f"{str(file)!r} is no generator: {error}") from error
    return generator


def find(model):
    """The path of what a user names; a file or folder of the user's goes before a model that comes with the package.

    Raises:
        UserError: the old name of a model that comes with the package; the message has the new one.
        WorkError: a model that comes with the package is damaged.
    """
    path = pathlib.Path(model)
    if str(model) in shipped.RENAMED and not path.exists():
        raise UserError(f"the model {str(model)!r} is now called {shipped.RENAMED[str(model)]!r}")
    return shipped.find(str(model)) if str(model) in shipped.names() and not path.exists() else path
