"""A trained generator at work: loading it by whatever name the user gives, and upscaling pictures."""

import json
import pathlib
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from srgan_tf import pixels
from srgan_tf.errors import UserError, first_line
from srgan_tf.models import layers  # noqa: F401 - registers the layers that a saved generator may hold
from srgan_tf.models.geometry import receptive_field, scale_of
from srgan_tf.resize import imresize
from srgan_tf.serving.layout import DESCRIPTION_FILE, versions
from srgan_tf.serving.to_litert import load_litert
from srgan_tf.serving.to_onnx import load_onnx
from srgan_tf.tiling import apply_tiled

GENERATOR_FILE = "generator.keras"  # in a run folder

# Networks of the SRResNet family take about 1 KB of memory for each pixel of the result. Larger ones are made in tiles.
_WHOLE_AREA = 1024 * 1024
_TILE = 768


_FILE_LOADERS = {".onnx": load_onnx, ".tflite": load_litert}


class Upscaler(Protocol):
    """Whatever enlarges pictures by a whole factor.

    Attributes:
        name: what reports call it.
        scale: the factor.
    """

    name: str
    scale: int

    def upscale(self, lr: np.ndarray) -> np.ndarray:
        """Enlarges a uint8 [height, width, 3] picture to uint8 [scale * height, scale * width, 3]."""


class BicubicUpscaler:
    """The baseline: MATLAB-like bicubic."""

    def __init__(self, scale):
        self.name = "bicubic"
        self.scale = scale

    def upscale(self, lr):
        """See `Upscaler`."""
        # Two pixels each way are what the kernel reaches.
        return _upscale(lambda tile: imresize(tile, *(self.scale * size for size in tile.shape[:2])), lr, self.scale, 2)


class NetworkUpscaler:
    """A generator network, applied in tiles where the picture is large.

    Args:
        function: from a float32 tensor [1, height, width, 3] in [0, 1] to its enlargement, any height and width.
        name: what reports call it.
        scale: the factor.
        halo: pixels of context that a tile needs on each side, the network's receptive field; None where that is
            unknown: then every picture is upscaled whole.
    """

    def __init__(self, function, *, name, scale, halo):
        self.name = name
        self.scale = scale
        self._halo = halo

        # One trace serves every size, since height and width stay open.
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
        def upscale(lr):
            return pixels.to_uint8(function(pixels.to_float(lr)[tf.newaxis])[0])

        self._function = upscale

    def upscale(self, lr):
        """See `Upscaler`."""
        return _upscale(lambda tile: self._function(tile).numpy(), lr, self.scale, self._halo)


def _upscale(function, lr, scale, halo):
    """Applies a function of uint8 pictures to the whole picture, or tile by tile to a large one."""
    if halo is None or scale**2 * lr.shape[0] * lr.shape[1] <= _WHOLE_AREA:
        return function(lr)
    return apply_tiled(function, lr, scale=scale, tile=_TILE // scale, halo=halo)


def network_upscaler(generator, name):
    """Wraps a Keras generator; later changes of its weights are seen."""
    return NetworkUpscaler(
        lambda lr: generator(lr, training=False),
        name=name,
        scale=scale_of(generator),
        halo=receptive_field(generator),
    )


def load_upscaler(model, *, scale=None):
    """Loads what `--model` names.

    Args:
        model: "bicubic", a run folder, a `.keras` file, or what `export.py` wrote: a folder (or one version of it), an
            ONNX or a LiteRT file.
        scale: the factor wanted: that of "bicubic" (4 if None); networks have their own.

    Raises:
        UserError: no such model, a file that is none, or a network of another factor.
    """
    if model == "bicubic":
        return BicubicUpscaler(scale or 4)
    path = pathlib.Path(model)
    saved_model = _saved_model_folder(path)
    if saved_model is not None:
        upscaler = _load_saved_model(saved_model, path.resolve().name)
    elif path.is_file() and path.suffix in _FILE_LOADERS:
        upscaler = _load_exported_file(path)
    elif path.is_dir() and not (path / GENERATOR_FILE).is_file():
        raise UserError(f"no model in the folder {model!r}: it holds neither {GENERATOR_FILE} nor a SavedModel")
    else:
        name = path.resolve().stem if path.is_file() else path.resolve().name
        upscaler = network_upscaler(load_generator(model), name)
    if scale not in (None, upscaler.scale):
        raise UserError(f"the model {model!r} enlarges by {upscaler.scale}, not by {scale}")
    return upscaler


def load_generator(model):
    """Loads the Keras generator of a run folder or a `.keras` file.

    Raises:
        UserError: no such model, or a file that is none.
    """
    path = pathlib.Path(model)
    file = path / GENERATOR_FILE if path.is_dir() else path
    if not file.is_file():
        if path.is_dir():
            raise UserError(f"no Keras model in the folder {str(model)!r}: it holds no {GENERATOR_FILE}")
        raise UserError(
            f"no model {str(model)!r}: expected 'bicubic', a run folder, a .keras file or a SavedModel folder"
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


def _load_exported_file(path):
    try:
        run, description = _FILE_LOADERS[path.suffix](path)
    except UserError:
        raise
    except Exception as error:  # the runtimes raise of many kinds on a file that is damaged or another program's
        raise UserError(f"{str(path)!r} is no file that export.py wrote: {first_line(error)}") from error
    return NetworkUpscaler(
        lambda lr: tf.ensure_shape(tf.numpy_function(run, [lr], tf.float32), (1, None, None, 3)),
        name=path.resolve().stem,
        scale=description["scale"],
        halo=description["receptive_field"],
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

    return NetworkUpscaler(upscale, name=name, scale=scale, halo=halo)
