"""One command for a machine with a new GPU: is it right, and how fast is it?

    python -m benchmarks gpu --seconds 180 --output results/gpu

First the GAN step of a small SRGAN in each precision, with and without XLA, against float32 on the CPU. Then images per
second of the training steps of some presets, and their share of the rate of a large matrix product in the same
precision; then megapixels per second of upscaling. Beside them the same networks in PyTorch, where it is installed.
Each row is measured in a process of its own, in the order of importance, until the time is over. gpu.json and gpu.md
are written after each row. VGG19's weights are random, which costs the same. On a machine without a GPU the rows are
those of its CPU.
"""

import functools
import json
import logging
import pathlib
import subprocess
import sys
from time import monotonic

from benchmarks import sizes
from benchmarks.processes import in_process
from srgan_tf.commands import cli
from srgan_tf.errors import WorkError
from srgan_tf.files import atomic_write, make_folder
from srgan_tf.precisions import PRECISIONS

_log = logging.getLogger(__name__)

_MOST_SKIPPED = 30  # halvings of a loss scale
_TABLES = {
    "proof": "One GAN step of a small SRGAN against float32 on the CPU: the largest relative difference of a loss or "
    "gradient norm",
    "training": "Training steps",
    "upscaling": "Upscaling",
    "pytorch": "The steps of `srgan_x4` and its generator in PyTorch, channels_last",
}


def main(arguments):
    """Measures until the time is over; logs, and writes gpu.json and gpu.md.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks gpu")
    parser.add_argument("--seconds", type=float, default=180, help="time for all rows (default: %(default)s)")
    parser.add_argument("--output", default="results/gpu", help="folder of gpu.json and gpu.md (default: %(default)s)")
    parser.add_argument(
        "--preset", action="append", help="may be repeated (default: srgan_x4, msrgan_x4, compact_x4, esrgan_x4)"
    )
    sizes.add_flags(parser)
    parser.add_argument("--side", type=int, default=256, help="side of the LR image to upscale (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=5, help="timed calls of each row (default: %(default)s)")
    parser.add_argument("--torch-python", default=sys.executable, help="a Python that has PyTorch (default: this one)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of presets")
    flags = parser.parse_args(arguments)

    from srgan_tf import hardware

    end = monotonic() + flags.seconds
    report = {"device": hardware.describe(), "batch_size": flags.batch_size, "hr_patch_size": flags.hr_patch_size}
    report |= {table: [] for table in _TABLES}
    output = pathlib.Path(flags.output)
    make_folder(output)
    for table, labels, measure in _rows(flags):
        left = end - monotonic()
        if left <= 0:
            break
        try:
            row = labels | measure(left)
        except WorkError as error:
            row = labels | {"failed": str(error)}
        _log.info("%s: %s", table, "  ".join(f"{name} {_text(value)}" for name, value in row.items()))
        report[table].append(row)
        with atomic_write(output / "gpu.json") as unfinished:
            unfinished.write_text(json.dumps(report, indent=2) + "\n")
        with atomic_write(output / "gpu.md") as unfinished:
            unfinished.write_text(to_markdown(report))
    _log.info("done: %s", output / "gpu.md")


def to_markdown(report):
    """The tables of a report of `main`."""
    parts = [f"{report['device']}; batch {report['batch_size']}, HR {report['hr_patch_size']}\n"]
    for table, caption in _TABLES.items():
        rows = report[table]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        if rows:
            lines = [columns, ["---"] * len(columns)]
            lines += [[_text(row.get(column, "")) for column in columns] for row in rows]
            parts.append(f"{caption}:\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines))
    return "\n".join(parts)


def _text(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _rows(flags):
    """(table, labels, function of the seconds left) of each row, the most important first."""
    from benchmarks.train import matrix_product_rate

    rates = {}

    def rate(precision, left):
        if precision not in rates:
            rates[precision] = in_process(matrix_product_rate, precision, timeout=left)
        return rates[precision]

    def training(config, phase, precision, jit):
        def measure(left):
            peak_rate = rate(precision, left)
            return in_process(_training_row, config, phase, precision, jit, flags.steps, peak_rate, timeout=left)

        return "training", {"preset": config.preset, "phase": phase, "precision": precision, "xla": jit}, measure

    names = flags.preset or ["srgan_x4", "msrgan_x4", "compact_x4", "esrgan_x4"]
    configs = [sizes.config_of(name, flags.batch_size, flags.hr_patch_size, flags.set) for name in names]
    phases = [(config, phase) for config in configs for phase in ("pretrain", "gan") if getattr(config, phase).steps]
    for precision in PRECISIONS:
        for jit in (False, True):
            labels = {"precision": precision, "xla": jit}
            yield "proof", labels, lambda left, row=(precision, jit): in_process(_proof_row, *row, timeout=left)
    for config, phase in phases[:2]:
        for jit in (False, True):
            yield training(config, phase, "bfloat16", jit)
    for options in ((), ("--compile",)):
        yield "pytorch", {"compiled": bool(options)}, lambda left, options=options: _torch_row(flags, options, left)
    for config in configs:
        for precision in PRECISIONS[::-1]:
            labels = {"preset": config.preset, "precision": precision}
            row = (config, precision, flags.side, flags.steps)
            yield "upscaling", labels, lambda left, row=row: in_process(_upscaling_row, *row, timeout=left)
    for config, phase in phases[2:]:
        for jit in (False, True):
            yield training(config, phase, "bfloat16", jit)
    for config, phase in phases:
        yield training(config, phase, "float32", False)


def _training_row(config, phase, precision, jit, steps, peak_rate):
    from benchmarks.train import step_time

    seconds, flops, peak = step_time(config, phase, precision, jit, steps)
    return {
        "s/step": seconds,
        "images/s": config.data.batch_size / seconds,
        "share of matrix rate": f"{flops / seconds / peak_rate:.0%}",
        "peak GiB": peak / 2**30,
    }


def _proof_row(precision, jit):
    import tensorflow as tf

    expected = _small_step("float32", False, "CPU:0")
    gpus = tf.config.list_logical_devices("GPU")
    actual = _small_step(precision, jit, gpus[0].name if gpus else "CPU:0")
    compared = [tag for tag in expected if tag.startswith(("loss/", "gradient_norm/"))]
    differences = {tag: abs(actual[tag] - expected[tag]) / abs(expected[tag]) for tag in compared}
    worst = max(differences, key=differences.get)
    return {"largest difference": differences[worst], "of": worst}


@functools.cache  # every row of a process compares with the same step
def _small_step(precision, jit, device):
    """The scalars of the first step of a small SRGAN on a device; the same weights and images for all.

    In float16 the first calls are skipped, which changes nothing but the loss scales, until these fit.
    """
    import keras
    import numpy as np
    import tensorflow as tf

    from srgan_tf import hardware
    from srgan_tf.config import presets
    from srgan_tf.config.overrides import with_settings
    from srgan_tf.training.names import SKIPPED
    from srgan_tf.training.objective import discriminator_terms, gan_terms
    from srgan_tf.training.state import gan_state
    from srgan_tf.training.steps import make_gan_step

    hardware.turn_tf32_off()
    small = ["generator.num_blocks=2", "generator.num_filters=16", "discriminator.num_filters=8"]
    settings = [*small, "data.hr_patch_size=32", "gan.perceptual_weight=0", "gan.pixel_weight=1"]
    config = with_settings(presets.srgan_x4(), [*settings, f"precision={precision}"])
    hr = np.random.default_rng(0).random((4, 32, 32, 3), np.float32)
    lr = hr.reshape(4, 8, 4, 8, 4, 3).mean((2, 4))
    keras.utils.set_random_seed(0)
    with tf.device("CPU:0"):  # the same random numbers for every device
        weights = [network.get_weights() for network in _networks(gan_state(config))]
    with tf.device(device):
        state = gan_state(config)
        for network, values in zip(_networks(state), weights, strict=True):
            network.set_weights(values)
        step = make_gan_step(state, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9, jit=jit)
        scalars = step(tf.constant(lr), tf.constant(hr)).scalars
        while scalars[SKIPPED] and int(state.skipped_in_a_row.numpy()) < _MOST_SKIPPED:
            scalars = step(tf.constant(lr), tf.constant(hr)).scalars
        return scalars


def _networks(state):
    return state.generator, state.generator_ema, state.discriminator


def _upscaling_row(config, precision, side, calls):
    import tensorflow as tf

    from benchmarks.timing import median_seconds
    from srgan_tf.networks.generators import GENERATORS
    from srgan_tf.networks.rewrites.inference import optimize_for_inference
    from srgan_tf.training.state import build_network

    generator = build_network("generator", GENERATORS, config.generator, scale=config.scale)
    network = optimize_for_inference(generator, precision)
    lr = tf.random.stateless_uniform((1, side, side, 3), (0, 0))
    function = tf.function(lambda lr: network(lr, training=False)).get_concrete_function(lr)
    seconds = median_seconds(lambda: function(lr).numpy(), calls)
    return {"seconds": seconds, "output megapixels/s": (config.scale * side) ** 2 / seconds / 1e6}


def _torch_row(flags, options, left):
    """Seconds of the steps and of upscaling in PyTorch; it runs beside this checkout, and needs no TensorFlow."""
    size_flags = ["--batch-size", str(flags.batch_size), "--hr-patch-size", str(flags.hr_patch_size)]
    command = [
        flags.torch_python,
        "-m",
        "benchmarks",
        "torch_step",
        *size_flags,
        "--steps",
        str(flags.steps),
        "--bfloat16",
    ]
    checkout = pathlib.Path(__file__).parent.parent
    try:
        done = subprocess.run(
            [*command, "--upscale", str(flags.side), "--json", *options],
            cwd=checkout,
            capture_output=True,
            text=True,
            timeout=left,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise WorkError(f"not done after {left:.0f} s") from None
    except (OSError, subprocess.CalledProcessError) as error:
        lines = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise WorkError(lines[-1][:300] if lines else str(error)) from None
    return json.loads(done.stdout.strip().splitlines()[-1])
