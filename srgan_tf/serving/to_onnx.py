"""The generator as an ONNX file."""

import json
import logging

from srgan_tf.models.inference_form import fast_generator
from srgan_tf.models.precision import as_float32
from srgan_tf.outputs import written_aside
from srgan_tf.serving.module import describe_network
from srgan_tf.serving.runtimes import SIGNATURE, compare, conversion, require, upscaling_function

OPSET = 18
DESCRIPTION_KEY = "srgan_tf"  # in the file's metadata


def export_onnx(generator, path, *, size=None):
    """Writes an ONNX file, loads it into ONNX Runtime and compares before the file gets its name.

    Its input is `lr` float32 [batch, height, width, 3] in [0, 1], its output `sr`, `scale` times as large, in [0, 1].

    Args:
        generator: functional `keras.Model` from LR to SR in [0, 1], of any precision.
        path: the file, whose folder must exist; one that is there is replaced.
        size: (height, width) of the pictures that it takes, or None for any.

    Returns:
        (the function that was exported, its largest deviation).

    Raises:
        UserError: an optional package is not installed.
        WorkError: the network cannot be converted, or ONNX Runtime's results deviate.
    """
    onnx = require("onnx", "exporting ONNX")
    require("onnxruntime", "exporting ONNX")
    model, function = convert(generator, size=size)
    with written_aside(path) as unfinished, conversion("ONNX"):
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, unfinished)
        deviation = compare(as_float32(generator), load_onnx(unfinished)[0], size)
    return function, deviation


def convert(generator, *, size=None):
    """What `export_onnx` writes.

    Returns:
        (`onnx.ModelProto`, the function that it was made from).

    Raises:
        UserError: tf2onnx is not installed.
        WorkError: the network cannot be converted.
    """
    tf2onnx = require("tf2onnx", "exporting ONNX")
    onnx = require("onnx", "exporting ONNX")
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # it logs each rewriting that it cannot do as an error
    function = upscaling_function(fast_generator(generator), batch=None, size=size)
    with conversion("ONNX"):
        model, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    model.graph.name = SIGNATURE
    _name_output(model.graph, "sr")
    onnx.helper.set_model_props(model, {DESCRIPTION_KEY: json.dumps(describe_network(generator, size=size))})
    return model, function


def load_onnx(path):
    """Loads an ONNX file of `export_onnx`, to run on the CPU.

    Returns:
        (function of float32 arrays [batch, height, width, 3], its "scale", "receptive_field" and "size").

    Raises:
        UserError: ONNX Runtime is not installed.
        KeyError: the file is not of `export_onnx`. A file that is none makes ONNX Runtime raise of many kinds.
    """
    onnxruntime = require("onnxruntime", "running an ONNX file")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    description = json.loads(session.get_modelmeta().custom_metadata_map[DESCRIPTION_KEY])
    return lambda lr: session.run(["sr"], {"lr": lr})[0], description


def _name_output(graph, name):
    """Gives the only output a name; tf2onnx calls it after the last operation."""
    (output,) = graph.output
    for node in graph.node:
        node.output[:] = [name if tensor == output.name else tensor for tensor in node.output]
    output.name = name
