"""A trained generator at work: loading it by whatever name the user gives, and upscaling pictures."""

import json
import logging
import math
import pathlib
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from srgan_tf import pixels
from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.hardware import free_memory
from srgan_tf.models import layers  # noqa: F401 - registers the layers that a saved generator may hold
from srgan_tf.models.geometry import map_memory, receptive_field, scale_of
from srgan_tf.models.inference_form import fast_generator
from srgan_tf.resize import imresize
from srgan_tf.serving.layout import DESCRIPTION_FILE, versions
from srgan_tf.serving.to_litert import load_litert
from srgan_tf.serving.to_onnx import load_onnx
from srgan_tf.tiling import blended_stripes, exact_stripes

_log = logging.getLogger(__name__)

GENERATOR_FILE = "generator.keras"  # in a run folder

# Memory of an upscaler at work. Measured of the presets' generators: 0.9 to 1.7 times their feature maps.
_MAPS_FACTOR = 2.0
_PICTURE_BYTES = 128  # for a pixel of the result: the pictures around the network, of 3 channels; 117 measured
UNKNOWN_NETWORK_BYTES = 1024  # the same where only the function is known: that of 64 filters at HR size
_MOST_BYTES = 1 << 30  # so that a process stays under 3 GiB, with TensorFlow and a picture of 48 million pixels
_SMALLEST_TILE = 16
# A halo beyond this makes tiles mostly halo: they get this much context, and fade over it.
_LARGEST_HALO = 64


_FILE_LOADERS = {".onnx": load_onnx, ".tflite": load_litert}


class Upscaler(Protocol):
    """Whatever enlarges pictures by a whole factor.

    Attributes:
        name: what reports call it.
        scale: the factor.
        halo: the farthest input pixel, each way, that reaches a pixel of the result; None where that is unknown.
        pixel_memory: bytes that it takes at work for each pixel of the input.
    """

    name: str
    scale: int
    halo: int | None
    pixel_memory: float

    def upscale(self, lr: np.ndarray) -> np.ndarray:
        """Enlarges a picture [height, width, 3] to [scale * height, scale * width, 3].

        uint8 becomes uint8; float32 in [0, 1] becomes float32 in [0, 1].
        """


class BicubicUpscaler:
    """The baseline: MATLAB-like bicubic."""

    def __init__(self, scale):
        self.name = "bicubic"
        self.scale = scale
        self.halo = 2
        self.pixel_memory = _PICTURE_BYTES * scale**2

    def upscale(self, lr):
        """See `Upscaler`."""
        sr = imresize(lr, *(self.scale * size for size in lr.shape[:2]))
        return sr if lr.dtype == np.uint8 else np.clip(sr, 0, 1).astype(np.float32)


class NetworkUpscaler:
    """A generator network, applied to the whole of each picture.

    Args:
        function: from a float32 tensor [1, height, width, 3] in [0, 1] to its enlargement, any height and width.
        name: what reports call it.
        scale: the factor.
        halo: the network's receptive field, pixels; None where that is unknown.
        maps: bytes of its feature maps for each pixel of the input; None where that is unknown.
    """

    def __init__(self, function, *, name, scale, halo, maps=None):
        self.name = name
        self.scale = scale
        self.halo = halo
        network_memory = UNKNOWN_NETWORK_BYTES * scale**2 if maps is None else _MAPS_FACTOR * maps
        self.pixel_memory = network_memory + _PICTURE_BYTES * scale**2

        # One trace serves every size, since height and width stay open.
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])
        def upscale(lr):
            return tf.clip_by_value(function(lr[tf.newaxis])[0], 0.0, 1.0)

        self._function = upscale

    def upscale(self, lr):
        """See `Upscaler`."""
        if lr.dtype == np.uint8:
            return pixels.to_uint8(self._function(pixels.to_float(lr))).numpy()
        return self._function(lr).numpy()


class TiledUpscaler:
    """Another upscaler, applied in tiles to pictures that are large for the memory.

    Where the other's reach is known and at most 64 pixels, tiles have a halo of it and join to what the whole picture
    would give (`exact`). Else they get 64 pixels of context, and neighbours fade into each other. When memory runs
    out, the tiles are halved and the work goes on.

    Args:
        whole: an `Upscaler`.
        tile: side of a tile without its halo, pixels of the input; 0 for the whole picture at once; None to choose by
            the memory that is available.
    """

    def __init__(self, whole, tile=None):
        self.name = whole.name
        self.scale = whole.scale
        self.halo = whole.halo
        self.pixel_memory = whole.pixel_memory
        self.whole = whole
        self.exact = whole.halo is not None and whole.halo <= _LARGEST_HALO
        self._tile = tile
        self._margin = whole.halo if self.exact else _LARGEST_HALO
        self._too_large = math.inf  # numbers in a tile that memory did not suffice for

    def upscale(self, lr):
        """See `Upscaler`."""
        return np.concatenate(list(self.stripes(lr)))

    def stripes(self, lr):
        """Yields the enlarged picture in stripes from top to bottom: [rows, scale * width, 3] arrays."""
        tile = _fitting_tile(lr.shape, self.whole, self._margin, self.exact) if self._tile is None else self._tile
        return self._split(lr, tile or max(lr.shape))

    def _split(self, lr, tile):
        if self.exact:
            return exact_stripes(self._enlarge, lr, scale=self.scale, tile=tile, halo=self._margin)
        return blended_stripes(self._enlarge, lr, scale=self.scale, tile=tile, overlap=self._margin)

    def _enlarge(self, lr):
        """Enlarges one tile; one for which the memory does not suffice is a picture of smaller tiles itself."""
        if lr.size < self._too_large:
            try:
                return self.whole.upscale(lr)
            except (tf.errors.ResourceExhaustedError, MemoryError) as error:
                if max(lr.shape) - 2 * self._margin < _SMALLEST_TILE:
                    raise WorkError(f"not enough memory for a tile of {lr.shape[1]}x{lr.shape[0]} pixels") from error
                self._too_large = lr.size
                _log.warning("out of memory for %dx%d pixels: going on with smaller tiles", lr.shape[1], lr.shape[0])
        tile = (max(lr.shape) - 2 * self._margin) // 2
        return np.concatenate(list(self._split(lr, tile)))


def _fitting_tile(shape, upscaler, margin, exact):
    """Side of the largest tile that fits with its margin into the free memory; 0 for all at once.

    Exact tiles may be small, and leave most of the memory to others. Tiles that fade into each other change the result:
    a picture is cut into them only when it takes more than half of what is free.
    """
    budget = min(free_memory() // 4, _MOST_BYTES) if exact else free_memory() // 2
    area = int(budget / upscaler.pixel_memory)
    return 0 if shape[0] * shape[1] <= area else max(math.isqrt(area) - 2 * margin, _SMALLEST_TILE)


def network_upscaler(generator, name):
    """Wraps a Keras generator; later changes of its weights are seen."""
    return TiledUpscaler(
        NetworkUpscaler(
            lambda lr: generator(lr, training=False),
            name=name,
            scale=scale_of(generator),
            halo=receptive_field(generator),
            maps=map_memory(generator),
        )
    )


def load_upscaler(model, *, scale=None):
    """Loads what `--model` names.

    A Keras generator is rewritten into its faster form.

    Args:
        model: "bicubic", a run folder, a `.keras` file, or what `export.py` wrote: a folder (or one version of it), an
            ONNX or a LiteRT file.
        scale: the factor wanted: that of "bicubic" (4 if None); networks have their own.

    Returns:
        `BicubicUpscaler`, or a network in a `TiledUpscaler`.

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
        upscaler = network_upscaler(fast_generator(load_generator(model)), name)
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
            f"no model {str(model)!r}: expected 'bicubic', a run folder, a .keras file or what export.py wrote"
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
    return TiledUpscaler(
        NetworkUpscaler(
            lambda lr: tf.ensure_shape(tf.numpy_function(run, [lr], tf.float32), (1, None, None, 3)),
            name=path.resolve().stem,
            scale=description["scale"],
            halo=description["receptive_field"],
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
