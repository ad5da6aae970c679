"""`python -m benchmarks upscale`: speed of the generator, compared with other runtimes and with the floor.

The floor is the time of the generator's arithmetic at the speed of a large float32 matrix product. All take turns in
one process, so that other load slows all of them alike; medians are compared. Runtimes that are not installed are left
out: `pip install torch onnxruntime tf2onnx onnx openvino`. ONNX Runtime has no bfloat16 convolution for x86 CPUs, and
PyTorch is compared with the SRResNet only.
"""

import functools
import importlib.util
import logging
import os
import statistics

from benchmarks.timing import call_seconds
from srgan_tf.commands import cli

_log = logging.getLogger(__name__)

_PRODUCT = 2048  # side of the matrices whose product gives the floor


def main(arguments):
    """Measures and logs a table.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks upscale")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[128, 512], help="sides of the LR picture, pixels (default: 128 512)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="timed calls of each (default: %(default)s)")
    parser.add_argument("--blocks", type=int, default=16, help="residual blocks of the SRResNet (default: %(default)s)")
    parser.add_argument("--filters", type=int, default=64, help="its filters (default: %(default)s)")
    parser.add_argument("--model", help="included model, run folder or .keras file instead of the SRResNet")
    parser.add_argument(
        "--precision", nargs="+", default=["float32"], choices=("float32", "bfloat16"), help="(default: float32)"
    )
    flags = parser.parse_args(arguments)

    import numpy as np

    from benchmarks.arithmetic import forward_flops
    from srgan_tf import hardware
    from srgan_tf.networks.generators import srresnet
    from srgan_tf.networks.geometry import scale_of
    from srgan_tf.networks.saved import load_generator

    if flags.model:
        generator, name = load_generator(flags.model), flags.model
    else:
        generator = srresnet(num_blocks=flags.blocks, num_filters=flags.filters)
        name = f"SRResNet x4, {flags.blocks} blocks, {flags.filters} filters"
    _log.info(f"{name}; {hardware.describe()}")
    runtimes = {
        f"{runtime} {precision}": make(generator)
        for precision in flags.precision
        for runtime, make in _runtimes(precision, with_torch=not flags.model).items()
    }
    for size in flags.sizes:
        lr = np.random.default_rng(0).random((1, size, size, 3), np.float32)
        work = {name: functools.partial(run, lr) for name, run in runtimes.items()}
        seconds = call_seconds(work | {"product": _product()}, flags.rounds)
        _report(size, scale_of(generator), forward_flops(generator, lr), seconds)


def _report(size, scale, flop, seconds):
    rate = 2 * _PRODUCT**3 / statistics.median(seconds.pop("product"))
    floor = flop / rate
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ours = min(median for name, median in medians.items() if name.startswith("srgan_tf "))
    side = scale * size
    _log.info(
        f"\n{size}x{size} -> {side}x{side}: {flop / 1e9:.1f} GFLOP; a matrix product of {_PRODUCT} runs at "
        f"{rate / 1e9:.0f} GFLOP/s: the floor is {floor:.3f} s\n"
        f"{'':32}{'median s':>10}{'least s':>10}{'MP/s out':>10}{'of floor':>10}{'slower':>10}"
    )
    for name, median in sorted(medians.items(), key=lambda item: item[1]):
        _log.info(
            f"{name:32}{median:10.3f}{min(seconds[name]):10.3f}{side**2 / median / 1e6:10.2f}"
            f"{floor / median:10.0%}{median / ours:9.2f}x"
        )


def _product():
    import tensorflow as tf

    matrix = tf.random.stateless_normal((_PRODUCT, _PRODUCT), (0, 0))
    multiply = tf.function(lambda: tf.linalg.matmul(matrix, tf.sin(matrix[:1, :1]) + matrix))  # not folded away
    return lambda: multiply().numpy()


def _runtimes(precision, *, with_torch):
    """Functions (generator) -> (LR array -> SR array), by name."""
    runtimes = {"srgan_tf": functools.partial(_fast, precision=precision)}
    if precision == "float32":
        runtimes["Keras as written"] = _keras
        if _installed("onnxruntime", "tf2onnx"):
            runtimes["ONNX Runtime"] = _onnxruntime
    if _installed("openvino", "tf2onnx"):
        runtimes["OpenVINO"] = functools.partial(_openvino, precision=precision)
    if with_torch and _installed("torch"):
        runtimes["PyTorch channels_last"] = functools.partial(_torch, precision=precision)
    return runtimes


def _installed(*packages):
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    if missing:
        _log.info(f"left out, not installed: {', '.join(missing)}")
    return not missing


def _keras(generator):
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
    def upscale(lr):
        return generator(lr, training=False)

    return lambda lr: upscale(lr).numpy()


def _fast(generator, precision):
    from srgan_tf.networks.rewrites.inference import optimize_for_inference

    return _keras(optimize_for_inference(generator, precision))


@functools.cache
def _onnx(generator):
    """The optimized network as ONNX, as in an export."""
    from srgan_tf.export.onnx import convert

    return convert(generator)[0].SerializeToString()


def _onnxruntime(generator):
    import onnxruntime

    session = onnxruntime.InferenceSession(_onnx(generator), providers=["CPUExecutionProvider"])
    return lambda lr: session.run(["sr"], {"lr": lr})[0]


def _openvino(generator, precision):
    import openvino

    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision]}
    compiled = core.compile_model(core.read_model(_onnx(generator)), "CPU", options)
    request = compiled.create_infer_request()
    return lambda lr: request.infer([lr])[0]


def _torch(generator, precision):
    """The same architecture in usual PyTorch code; the time does not depend on the weights."""
    import torch
    from torch import nn

    torch.set_num_threads(os.cpu_count())
    blocks = sum(layer.name.endswith("_conv1") for layer in generator.layers)
    filters = generator.get_layer("head_conv").filters

    class Residual(nn.Module):
        def __init__(self, *layers):
            super().__init__()
            self.layers = nn.Sequential(*layers)

        def forward(self, x):
            return x + self.layers(x)

    def normalized():
        return nn.Conv2d(filters, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters)

    def upsampling():
        return nn.Conv2d(filters, 4 * filters, 3, padding=1), nn.PixelShuffle(2), nn.PReLU(filters)

    body = [Residual(*normalized(), nn.PReLU(filters), *normalized()) for _ in range(blocks)]
    network = nn.Sequential(
        nn.Conv2d(3, filters, 9, padding=4),
        nn.PReLU(filters),
        Residual(*body, *normalized()),
        *upsampling(),
        *upsampling(),
        nn.Conv2d(filters, 3, 9, padding=4),
        nn.Tanh(),
    )
    dtype = getattr(torch, precision)
    network = network.eval().to(memory_format=torch.channels_last, dtype=dtype)

    def upscale(lr):
        with torch.inference_mode():
            sr = network(torch.from_numpy(lr).permute(0, 3, 1, 2).to(dtype)) * 0.5 + 0.5
        return sr.permute(0, 2, 3, 1).float().numpy()

    return upscale
