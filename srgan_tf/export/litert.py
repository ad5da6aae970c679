"""The generator as a LiteRT (TensorFlow Lite) file."""

import json
import tempfile
import zipfile

import tensorflow as tf

from srgan_tf.export.module import describe_network
from srgan_tf.export.runtimes import compare, conversion, upscaling_function
from srgan_tf.files import atomic_write
from srgan_tf.inference.exported import DESCRIPTION_FILE, SIGNATURE, load_litert, require
from srgan_tf.networks.precision import as_float32
from srgan_tf.networks.rewrites.inference import optimize_for_inference, store_shuffled_kernels

# Minimum PSNR of each precision's results against the generator's, on generated pictures; None: equal within 1e-4.
PRECISIONS = {"float32": None, "float16": 40.0, "int8": 20.0}


def export_litert(generator, path, *, size=None, precision="float32"):
    """Writes a LiteRT file, after its results in LiteRT have been compared with the generator's.

    Its signature `upscale` takes `lr` float32 [1, height, width, 3] in [0, 1] and returns `sr`. The
    description that `load_litert` reads is in a zip archive at the end of the file, as other LiteRT metadata is.

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1], of any precision.
        path: the file, whose folder must exist; an existing file is replaced.
        size: fixed (height, width) of the input, or None for any.
        precision: of the weights: "float32", "float16", or "int8" (dynamic range: 8-bit convolutions, activations are
            quantized at run time).

    Returns:
        (the exported function; for float32 its largest deviation from the generator, else its lowest PSNR).

    Raises:
        UserError: LiteRT is not installed.
        WorkError: the network cannot be converted, or the file's results deviate.
    """
    require("ai_edge_litert", "exporting LiteRT")
    network = store_shuffled_kernels(optimize_for_inference(generator))
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
        with conversion("LiteRT"):
            content = converter.convert()
    with atomic_write(path) as unfinished, conversion("LiteRT"):
        unfinished.write_bytes(content)
        with zipfile.ZipFile(unfinished, "a") as archive:
            archive.writestr(DESCRIPTION_FILE, json.dumps(describe_network(generator, size=size)))
        result = compare(as_float32(generator), load_litert(unfinished)[0], size, least_psnr=PRECISIONS[precision])
    return function, result
