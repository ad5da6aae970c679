"""Loading a model by whatever name the user gives."""

import json
import pathlib

import keras
import tensorflow as tf

from srgan_tf.errors import UserError, first_line
from srgan_tf.inference import BicubicUpscaler, NetworkUpscaler, TiledUpscaler, network_upscaler
from srgan_tf.models import layers  # noqa: F401 - registers the layers that a saved generator may hold
from srgan_tf.models.geometry import scale_of
from srgan_tf.models.inference_form import fast_generator
from srgan_tf.serving.layout import DESCRIPTION_FILE, versions
from srgan_tf.serving.to_litert import load_litert
from srgan_tf.serving.to_onnx import load_onnx
from srgan_tf.weights import shipped

GENERATOR_FILE = "generator.keras"  # in a run folder
_FILE_LOADERS = {".onnx": load_onnx, ".tflite": load_litert}


def load_upscaler(model, *, scale=None):
    """Loads what `--model` names.

    A Keras generator is rewritten into its faster form.

    Args:
        model: "bicubic", the name of a model that comes with the package, a run folder, a `.keras` file, or what
            `export.py` wrote: a folder (or one version of it), an ONNX or a LiteRT file.
        scale: the factor wanted: that of "bicubic" (4 if None); networks have their own.

    Returns:
        `BicubicUpscaler`, or a network in a `TiledUpscaler`.

    Raises:
        UserError: no such model, a file that is none, or a network of another factor.
    """
    if model == "bicubic":
        return BicubicUpscaler(scale or 4)
    path = find(model)
    saved_model = _saved_model_folder(path)
    if saved_model is not None:
        upscaler = _load_saved_model(saved_model, path.resolve().name)
    elif path.is_file() and path.suffix in _FILE_LOADERS:
        upscaler = _load_exported_file(path)
    elif path.is_dir() and not (path / GENERATOR_FILE).is_file():
        raise UserError(f"no model in the folder {model!r}: it holds neither {GENERATOR_FILE} nor a SavedModel")
    elif not path.exists():
        raise UserError(
            f"no model {model!r}: expected 'bicubic', {', '.join(map(repr, shipped.names()))}, a run folder, a "
            ".keras file or what export.py wrote"
        )
    else:
        name = path.resolve().stem if path.is_file() else path.resolve().name
        upscaler = network_upscaler(fast_generator(load_generator(path)), name)
    if scale not in (None, upscaler.scale):
        raise UserError(f"the model {model!r} enlarges by {upscaler.scale}, not by {scale}")
    return upscaler


def load_generator(model):
    """Loads a Keras generator: one that comes with the package, a run folder's or a `.keras` file.

    Raises:
        UserError: no such model, or a file that is none.
        WorkError: a model that comes with the package is damaged.
    """
    path = find(model)
    file = path / GENERATOR_FILE if path.is_dir() else path
    if not file.is_file():
        if path.is_dir():
            raise UserError(f"no Keras model in the folder {str(model)!r}: it holds no {GENERATOR_FILE}")
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
        WorkError: a model that comes with the package is damaged.
    """
    path = pathlib.Path(model)
    return shipped.find(str(model)) if str(model) in shipped.names() and not path.exists() else path


def _load_exported_file(path):
    try:
        run, description = _FILE_LOADERS[path.suffix](path)
        scale, halo, size = (description[key] for key in ("scale", "receptive_field", "size"))
    except UserError:
        raise
    except Exception as error:  # the runtimes raise of many kinds on a file that is damaged or another program's
        raise UserError(f"{str(path)!r} is no file that export.py wrote: {first_line(error)}") from error
    if size:
        raise UserError(f"{str(path)!r} takes {size[0]}x{size[1]} pixels alone: for use here, export it without --size")
    return TiledUpscaler(
        NetworkUpscaler(
            lambda lr: tf.ensure_shape(tf.numpy_function(run, [lr], tf.float32), (1, None, None, 3)),
            name=path.resolve().stem,
            scale=scale,
            halo=halo,
        )
    )


def _saved_model_folder(path):
    """The SavedModel that a folder is, or the newest of the versions in it; None if neither."""
    if not path.is_dir():
        return None
    newest = [path / str(version) for version in versions(path)[-1:]]
    return next((folder for folder in [path, *newest] if (folder / "saved_model.pb").is_file()), None)


def _load_saved_model(folder, name):
    try:
        description = json.loads((folder / "assets.extra" / DESCRIPTION_FILE).read_text())
        loaded = tf.saved_model.load(folder)
        network = loaded.upscale  # what the signatures call, without their limits
        scale, halo = description["scale"], description["receptive_field"]
    except Exception as error:  # TensorFlow raises of many kinds on a folder that is damaged or another program's
        raise UserError(f"{str(folder)!r} is no SavedModel that export.py wrote: {first_line(error)}") from error

    def upscale(lr, _keep=loaded):  # the function holds no reference to the variables that it reads
        return network(lr)

    return TiledUpscaler(NetworkUpscaler(upscale, name=name, scale=scale, halo=halo))
