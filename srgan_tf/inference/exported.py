"""Loads exported models: SavedModel folders, ONNX and LiteRT files."""

import importlib
import json
import pathlib
import zipfile

import numpy as np
import tensorflow as tf

from srgan_tf.errors import UserError, first_line
from srgan_tf.inference.upscalers import NetworkUpscaler

DESCRIPTION_FILE = "srgan_tf.json"  # in a SavedModel's assets.extra and in the zip archive of a LiteRT file
DESCRIPTION_KEY = "srgan_tf"  # in an ONNX file's metadata
SIGNATURE = "upscale"  # name of the exported function
EXTRA = "srgan_tf[export]"
_LARGEST_DESCRIPTION = 1 << 20  # bytes


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
        raise UserError(f"{purpose} needs {module}: pip install '{EXTRA}'") from error


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

        def upscale(lr, _keep=loaded):  # the function alone does not keep its variables alive
            return network(lr)

        return _checked_upscaler(upscale, name, description)
    except Exception as error:  # TensorFlow raises various exceptions on damaged or foreign folders
        raise UserError(
            f"{str(folder)!r} is not a SavedModel written by srgan-tf export: {first_line(error)}"
        ) from error


def load_exported_file(path):
    """Loads an exported ONNX or LiteRT file as an upscaler."""
    try:
        run, description = FILE_LOADERS[path.suffix](path)
        if size := description["size"]:
            raise UserError(
                f"{str(path)!r} takes only images of {size[0]}x{size[1]} pixels: to load it here, "
                "export it without --size"
            )
        return _checked_upscaler(
            lambda lr: tf.ensure_shape(tf.numpy_function(run, [lr], tf.float32), (1, None, None, 3)),
            path.resolve().stem,
            description,
        )
    except UserError:
        raise
    except Exception as error:  # the runtimes raise various exceptions on damaged or foreign files
        raise UserError(f"{str(path)!r} is not a file written by srgan-tf export: {first_line(error)}") from error


def _checked_upscaler(function, name, description):
    """An upscaler of an exported function, tried on a small image.

    Raises:
        KeyError, ValueError: the description is incomplete or wrong.
    """
    scale, halo = description["scale"], description["receptive_field"]
    if type(scale) is not int or scale < 1:
        raise ValueError(f"the scale in its description must be 1, 2, ... (received {scale!r})")
    if halo is not None and (type(halo) is not int or halo < 0):
        raise ValueError(f"the receptive field in its description must be 0, 1, ... or null (received {halo!r})")
    upscaler = NetworkUpscaler(function, name=name, scale=scale, halo=halo)
    shape = upscaler.upscale(np.zeros((8, 9, 3), np.float32)).shape
    if shape != (8 * scale, 9 * scale, 3):
        raise ValueError(
            f"it enlarges 8x9 pixels to {'x'.join(map(str, shape))}, not by the {scale} of its description"
        )
    return upscaler


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
        text = file.read(_LARGEST_DESCRIPTION + 1)
    if len(text) > _LARGEST_DESCRIPTION:
        raise ValueError(f"its description is larger than {_LARGEST_DESCRIPTION >> 20} MiB")
    description = json.loads(text)
    runner = interpreter.Interpreter(model_path=str(path)).get_signature_runner(SIGNATURE)
    return lambda lr: runner(lr=lr)["sr"], description


FILE_LOADERS = {".onnx": load_onnx, ".tflite": load_litert}
