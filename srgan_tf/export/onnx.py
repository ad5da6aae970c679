"""The generator as an ONNX file."""

import json
import logging

from srgan_tf.export.module import describe_network
from srgan_tf.export.runtimes import compare, conversion, upscaling_function
from srgan_tf.files import atomic_write
from srgan_tf.inference.exported import DESCRIPTION_KEY, SIGNATURE, load_onnx, require
from srgan_tf.networks.precision import as_float32
from srgan_tf.networks.rewrites.inference import optimize_for_inference

OPSET = 18


def export_onnx(generator, path, *, size=None):
    """Writes an ONNX file, after its results in ONNX Runtime have been compared with the generator's.

    Its input is `lr` float32 [batch, height, width, 3] in [0, 1], its output `sr`, `scale` times as large, in [0, 1].

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1], of any precision.
        path: the file, whose folder must exist; an existing file is replaced.
        size: fixed (height, width) of the input, or None for any.

    Returns:
        (the exported function, its largest deviation from the generator).

    Raises:
        UserError: an optional package is not installed.
        WorkError: the network cannot be converted, or ONNX Runtime's results deviate.
    """
    onnx = require("onnx", "exporting ONNX")
    require("onnxruntime", "exporting ONNX")
    model, function = convert(generator, size=size)
    with atomic_write(path) as unfinished, conversion("ONNX"):
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, unfinished)
        deviation = compare(as_float32(generator), load_onnx(unfinished)[0], size)
    return function, deviation


def convert(generator, *, size=None):
    """Converts a generator to ONNX.

    Returns:
        (`onnx.ModelProto`, the function that was converted).

    Raises:
        UserError: tf2onnx is not installed.
        WorkError: the network cannot be converted.
    """
    tf2onnx = require("tf2onnx", "exporting ONNX")
    onnx = require("onnx", "exporting ONNX")
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # it logs rewrites that do not apply as errors
    function = upscaling_function(optimize_for_inference(generator), batch=None, size=size)
    with conversion("ONNX"):
        model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    model.graph.name = SIGNATURE
    _name_output(model.graph, "sr")
    onnx.helper.set_model_props(model, {DESCRIPTION_KEY: json.dumps(describe_network(generator, size=size))})
    return model, function


def _name_output(graph, name):
    """Renames the only output, which tf2onnx names after the last operation."""
    (output,) = graph.output
    for node in graph.node:
        node.output[:] = [name if tensor == output.name else tensor for tensor in node.output]
    output.name = name
