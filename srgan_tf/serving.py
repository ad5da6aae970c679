"""The generator as a SavedModel for TensorFlow Serving.

Signatures:
    serving_default   image_bytes: string [batch], encoded PNG, JPEG, BMP or GIF of any sizes
                      -> sr_bytes: string [batch], PNG. Transparency is ignored; of 16 bits the upper 8 are kept.
    tensor            lr: float32 [batch, height, width, 3] in [0, 1] -> sr: float32, `scale` times as large, in [0, 1]
"""

import json
import os
import pathlib
import shutil

import numpy as np
import tensorflow as tf

from srgan_tf.errors import WorkError
from srgan_tf.models.geometry import receptive_field, scale_of
from srgan_tf.models.precision import as_float32
from srgan_tf.outputs import make_folder
from srgan_tf.pixels import to_float, to_uint8

DESCRIPTION_FILE = "srgan_tf.json"


def serving_module(generator):
    """A `tf.Module` with the functions `tensor` and `image_bytes` and the variables that they read.

    It holds the TensorFlow variables and not the Keras model or its weights: with those TensorFlow Serving's loader
    ends in "Could not find variable" (tensorflow/serving#2250) or finds the weights twice (keras-team/keras#23553).
    """

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="lr")])
    def tensor(lr):
        return {"sr": tf.clip_by_value(generator(lr, training=False), 0.0, 1.0)}

    def upscale_encoded(encoded):
        image = tf.io.decode_image(encoded, channels=3, expand_animations=False)
        image.set_shape((None, None, 3))
        sr = tensor(to_float(image)[tf.newaxis])["sr"]
        return tf.io.encode_png(to_uint8(sr[0]))

    # Pictures of one request differ in size, so they cannot be one batch.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def image_bytes(image_bytes):
        return {"sr_bytes": tf.map_fn(upscale_encoded, image_bytes, fn_output_signature=tf.string)}

    module = tf.Module(name="srgan_tf")
    module.variables_read = [weight.value for weight in generator.weights]
    module.tensor = tensor
    module.image_bytes = image_bytes
    return module


def export_saved_model(generator, output):
    """Exports a generator as the next version under a folder, the layout that TensorFlow Serving watches.

    The version is written aside, loaded again and compared before it gets its name, so a server never sees half of it.

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1].
        output: folder of the versions, made if need be; existing versions are left as they are.

    Returns:
        Path of the new version's folder, `output/N`.

    Raises:
        UserError: `output` cannot be written.
        WorkError: the reloaded model does not give the generator's results.
    """
    output = pathlib.Path(output)
    unfinished = output / f".unfinished-{os.getpid()}"
    generator = as_float32(generator)
    module = serving_module(generator)
    try:
        make_folder(output)
        unfinished.mkdir()
        signatures = {"serving_default": module.image_bytes, "tensor": module.tensor}
        tf.saved_model.save(module, unfinished, signatures=signatures)
        _describe(generator, unfinished)
        _compare(generator, unfinished)
        version = output / str(max(versions(output), default=0) + 1)
        os.rename(unfinished, version)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return version


def versions(folder):
    """The version numbers under a folder that `export_saved_model` wrote to, ascending."""
    return sorted(int(path.name) for path in pathlib.Path(folder).iterdir() if path.is_dir() and path.name.isdigit())


def _describe(generator, folder):
    extra = folder / "assets.extra"
    extra.mkdir()
    description = {"scale": scale_of(generator), "receptive_field": receptive_field(generator)}
    (extra / DESCRIPTION_FILE).write_text(json.dumps(description, indent=2) + "\n")


def _compare(generator, folder):
    """Runs both signatures of the exported model and holds them against the generator."""
    picture = np.random.default_rng(0).integers(0, 256, (19, 13, 3), dtype=np.uint8)
    lr = to_float(picture)[tf.newaxis]
    expected = tf.clip_by_value(generator(lr, training=False), 0.0, 1.0)
    signatures = tf.saved_model.load(folder).signatures
    sr = signatures["tensor"](lr=lr)["sr"]
    answer = signatures["serving_default"](image_bytes=tf.io.encode_png(picture)[tf.newaxis])["sr_bytes"]
    decoded = tf.io.decode_png(answer[0])[tf.newaxis]
    # PNG holds whole grey levels: half a level, and a little for a rounding that tips over.
    for signature, actual, tolerance in (("tensor", sr, 1e-5), ("serving_default", to_float(decoded), 0.51 / 255)):
        deviation = float(tf.reduce_max(tf.abs(actual - expected)))
        if not deviation <= tolerance:  # also catches NaN
            raise WorkError(f"the exported signature {signature!r} deviates from the generator by {deviation}")
