"""Loads exported models: SavedModel folders, ONNX and LiteRT files."""

import importlib
import json
import pathlib
import zipfile

import numpy as np
import tensorflow as tf

from srgan_tf.errors import UserError, first_line, missing_extra
from srgan_tf.inference.upscalers import NetworkUpscaler

DESCRIPTION_FILE = "srgan_tf.json"  # in a SavedModel's assets.extra and in the zip archive of a LiteRT file
DESCRIPTION_KEY = "srgan_tf"  # in an ONNX file's metadata
SIGNATURE = "upscale"  # name of the exported function
_LARGEST_SCALE = 64
_LONGEST_DESCRIPTION = 1 << 16  # bytes


def versions(folder):
    """The version numbers under a folder, ascending."""
    return sorted(int(path.name) for path in pathlib.Path(folder).iterdir() if path.is_dir() and path.name.isdigit())


def require(module, purpose):
    """Imports an optional package.

    Raises:
        UserError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise missing_extra(purpose, "export", error) from error


def saved_model_folder(path):
    """The folder itself if it is a SavedModel, or its newest version folder that is one; None if there is none."""
    if not path.is_dir():
        return None
    newest = [path / str(version) for version in versions(path)[-1:]]
    return next((folder for folder in [path, *newest] if (folder / "saved_model.pb").is_file()), None)


def load_saved_model(folder, name):
    """Loads a SavedModel folder of `export_saved_model` as an upscaler with that name."""
    try:
        description = json.loads((folder / "assets.extra" / DESCRIPTION_FILE).read_text())
        loaded = tf.saved_model.load(folder)
        network = loaded.upscale  # the function behind the signatures, without their size limits
        scale, halo, _ = checked_description(description)
        _check_function(network, scale)
    except Exception as error:  # TensorFlow raises various exceptions on damaged or foreign folders
        raise UserError(
            f"{str(folder)!r} is not a SavedModel written by srgan-tf export: {first_line(error)}"
        ) from error

    def upscale(lr, _keep=loaded):  # the function alone does not keep its variables alive
        return network(lr)

    return NetworkUpscaler(upscale, name=name, scale=scale, halo=halo)


def checked_description(description):
    """The scale, receptive field and input size in the description of an export.

    Raises:
        ValueError, TypeError, KeyError: it is not one that `srgan-tf export` writes.
    """
    scale, halo, size = description["scale"], description["receptive_field"], description.get("size")
    if type(scale) is not int or not 1 <= scale <= _LARGEST_SCALE:
        raise ValueError(f"its scale is {first_line(scale)}")
    if halo is not None and (type(halo) is not int or halo < 0):
        raise ValueError(f"its receptive field is {first_line(halo)}")
    if size is not None and not (len(size) == 2 and all(type(side) is int and side > 0 for side in size)):
        raise ValueError(f"its input size is {first_line(size)}")
    return scale, halo, size


def _check_function(upscale, scale):
    """Raises a ValueError if a function does not enlarge a small picture by the factor in its description."""
    sr = np.asarray(upscale(np.zeros((1, 8, 8, 3), np.float32)))
    expected = (1, 8 * scale, 8 * scale, 3)
    if sr.shape != expected or sr.dtype != np.float32:
        raise ValueError(f"it maps 8x8 pixels to {sr.dtype} {sr.shape}, expected float32 {expected}")


def load_exported_file(path):
    """Loads an exported ONNX or LiteRT file as an upscaler."""
    try:
        run, description = FILE_LOADERS[path.suffix](path)
        scale, halo, size = checked_description(description)
        if not size:
            _check_function(run, scale)
    except UserError:
        raise
    except Exception as error:  # the runtimes raise various exceptions on damaged or foreign files
        raise UserError(f"{str(path)!r} is not a file written by srgan-tf export: {first_line(error)}") from error
    if size:
        raise UserError(
            f"{str(path)!r} takes only images of {size[0]}x{size[1]} pixels: to load it here, export it without --size"
        )
    return NetworkUpscaler(
        lambda lr: tf.ensure_shape(tf.numpy_function(run, [lr], tf.float32), (1, None, None, 3)),
        name=path.resolve().stem,
        scale=scale,
        halo=halo,
    )


def load_onnx(path):
    """Loads an ONNX file of `export_onnx`, to run on the CPU.

    Returns:
        (function of float32 arrays [batch, height, width, 3], its "scale", "receptive_field" and "size").

    Raises:
        UserError: ONNX Runtime is not installed.
        KeyError: the file was not written by `export_onnx`. ONNX Runtime raises others if it is not an ONNX file.
    """
    onnxruntime = require("onnxruntime", "running an ONNX file")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    description = json.loads(session.get_modelmeta().custom_metadata_map[DESCRIPTION_KEY])
    return lambda lr: session.run(["sr"], {"lr": lr})[0], description


def load_litert(path):
    """Loads a LiteRT file of `export_litert`, to run on the CPU.

    Returns:
        (function of float32 arrays [1, height, width, 3], its "scale", "receptive_field" and "size").

    Raises:
        UserError: LiteRT is not installed.
        zipfile.BadZipFile, KeyError: the file was not written by `export_litert`.
        ValueError: the file is damaged.
    """
    interpreter = require("ai_edge_litert.interpreter", "running a LiteRT file")
    with zipfile.ZipFile(path) as archive, archive.open(DESCRIPTION_FILE) as file:
        description = json.loads(file.read(_LONGEST_DESCRIPTION))  # an archive may unpack to any size
    runner = interpreter.Interpreter(model_path=str(path)).get_signature_runner(SIGNATURE)
    return lambda lr: runner(lr=lr)["sr"], description


FILE_LOADERS = {".onnx": load_onnx, ".tflite": load_litert}
