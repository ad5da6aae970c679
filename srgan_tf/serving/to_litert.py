"""The generator as a LiteRT (TensorFlow Lite) file."""

import tempfile

import numpy as np
import tensorflow as tf

from srgan_tf.models.inference_form import fast_generator
from srgan_tf.models.precision import as_float32
from srgan_tf.outputs import written_aside
from srgan_tf.serving.runtimes import SIGNATURE, compare, require, upscaling_function

# Names to the lowest PSNR, against the generator's own results on drawn pictures, that passes; None: equal to 1e-4.
PRECISIONS = {"float32": None, "float16": 40.0, "int8": 20.0}


def export_litert(generator, path, *, size=None, precision="float32"):
    """Writes a LiteRT file, loads it into LiteRT and compares before the file gets its name.

    Its signature `upscale` takes `lr` float32 [1, height, width, 3] in [0, 1] and returns `sr`.

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1], of any precision.
        path: the file, whose folder must exist; one that is there is replaced.
        size: (height, width) of the pictures that it takes, or None for any.
        precision: of the weights in the file: "float32", "float16", or "int8" (dynamic range: the convolutions compute
            in 8 bits, activations are quantized as they come).

    Returns:
        (the function that was exported, its largest deviation for float32, else its lowest PSNR against the generator).

    Raises:
        UserError: LiteRT is not installed.
        WorkError: its results deviate.
    """
    require("ai_edge_litert", "exporting LiteRT")
    network = fast_generator(generator)
    function = upscaling_function(network, batch=1, size=size)
    module = tf.Module()
    module.variables_read = [weight.value for weight in network.weights]
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={SIGNATURE: function})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    with written_aside(path) as unfinished:
        unfinished.write_bytes(content)
        result = compare(as_float32(generator), load_litert(unfinished)[0], size, least_psnr=PRECISIONS[precision])
    return function, result


def load_litert(path):
    """Loads a LiteRT file of `export_litert`, to run on the CPU.

    Returns:
        (function of float32 arrays [1, height, width, 3], its "scale" and "receptive_field", which is unknown).

    Raises:
        UserError: LiteRT is not installed.
        ValueError: the file is none of LiteRT's, or has no such signature.
    """
    interpreter = require("ai_edge_litert.interpreter", "running a LiteRT file")
    runner = interpreter.Interpreter(model_path=str(path)).get_signature_runner(SIGNATURE)

    def run(lr):
        return runner(lr=lr)["sr"]

    scale = run(np.zeros((1, 8, 8, 3), np.float32)).shape[1] // 8
    return run, {"scale": scale, "receptive_field": None}
