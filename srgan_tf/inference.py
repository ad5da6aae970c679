"""A trained generator at work: loading it by whatever name the user gives, and upscaling pictures."""

import json
import pathlib
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from srgan_tf import pixels, serving
from srgan_tf.errors import UserError
from srgan_tf.models import layers  # noqa: F401 - registers the layers that a saved generator may hold
from srgan_tf.models.receptive_field import receptive_field
from srgan_tf.resize import imresize
from srgan_tf.tiling import apply_tiled

GENERATOR_FILE = "generator.keras"  # in a run folder

# LR pictures up to this area are upscaled whole. SRResNet takes about 4 KB for each of their pixels.
_WHOLE_AREA = 400 * 400
_TILE = 256


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
        return imresize(lr, self.scale * lr.shape[0], self.scale * lr.shape[1])


class NetworkUpscaler:
    """A generator network, applied in tiles where the picture is large.

    Args:
        function: from a float32 tensor [1, height, width, 3] in [0, 1] to its enlargement, any height and width.
        name: what reports call it.
        scale: the factor.
        halo: pixels of context that a tile needs on each side, the network's receptive field.
    """

    def __init__(self, function, *, name, scale, halo):
        self.name = name
        self.scale = scale
        self._halo = halo

        # One trace serves every size, since height and width stay open.
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.uint8)])
        def upscale(lr):
            return pixels.to_uint8(function(pixels.to_float(lr)[tf.newaxis])[0])

        self._upscale = upscale

    def upscale(self, lr):
        """See `Upscaler`."""
        if lr.shape[0] * lr.shape[1] <= _WHOLE_AREA:
            return self._upscale(lr).numpy()
        return apply_tiled(self._upscale, lr, scale=self.scale, tile=_TILE, halo=self._halo)


def network_upscaler(generator, name):
    """Wraps a Keras generator; later changes of its weights are seen."""
    scale = generator.compute_output_shape((1, 8, 8, 3))[1] // 8
    return NetworkUpscaler(
        lambda lr: generator(lr, training=False), name=name, scale=scale, halo=receptive_field(generator)
    )


def load_upscaler(model, *, scale=4):
    """Loads what `--model` names.

    Args:
        model: "bicubic", a run folder, a `.keras` file, or a folder that `export.py` wrote (or one version of it).
        scale: factor of "bicubic"; networks know their own.

    Raises:
        UserError: no such model, or a file that is none.
    """
    if model == "bicubic":
        return BicubicUpscaler(scale)
    path = pathlib.Path(model)
    saved_model = _saved_model_folder(path)
    if saved_model is not None:
        return _load_saved_model(saved_model, path.resolve().name)
    return network_upscaler(load_generator(model), path.resolve().stem if path.is_file() else path.resolve().name)


def load_generator(model):
    """Loads the Keras generator of a run folder or a `.keras` file.

    Raises:
        UserError: no such model, or a file that is none.
    """
    path = pathlib.Path(model)
    file = path / GENERATOR_FILE if path.is_dir() else path
    if not file.is_file():
        if path.is_dir():
            raise UserError(
                f"no model in the folder {str(model)!r}: it holds neither {GENERATOR_FILE} nor a SavedModel"
            )
        raise UserError(
            f"no model {str(model)!r}: expected 'bicubic', a run folder, a .keras file or a SavedModel folder"
        )
    try:
        generator = keras.saving.load_model(file, compile=False)
    except Exception as error:  # Keras raises of many kinds on a file that is not its own
        raise UserError(f"{str(file)!r} is no Keras model: {str(error).strip().splitlines()[0]}") from error
    shape = generator.input_shape
    if not (isinstance(shape, tuple) and len(shape) == 4 and shape[-1] == 3):
        raise UserError(f"{str(file)!r} is no generator: it takes {shape}, not [batch, height, width, 3]")
    return generator


def _saved_model_folder(path):
    """The SavedModel that a folder is, or the newest of the versions in it; None if neither."""
    if not path.is_dir():
        return None
    newest = [path / str(version) for version in serving.versions(path)[-1:]]
    return next((folder for folder in [path, *newest] if (folder / "saved_model.pb").is_file()), None)


def _load_saved_model(folder, name):
    try:
        description = json.loads((folder / "assets.extra" / serving.DESCRIPTION_FILE).read_text())
        loaded = tf.saved_model.load(folder)
        function = loaded.signatures["tensor"]
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{str(folder)!r} is no SavedModel that export.py wrote: {error}") from error
    upscaler = NetworkUpscaler(
        lambda lr: function(lr=lr)["sr"], name=name, scale=description["scale"], halo=description["receptive_field"]
    )
    upscaler.saved_model = loaded  # the signature holds no reference to the variables it reads
    return upscaler
