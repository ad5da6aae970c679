"""Times training steps of this checkout, of other checkouts and of PyTorch by turns.

    python -m benchmarks turns --phase gan --checkout ../before --torch-python ../torch/bin/python

Each has a process of its own, and does one step when it is its turn: other load on the machine, and the speed of a
shared machine, which changes, are the same for all of them. The ratio is the median over the rounds of a step's time
divided by that of this checkout in the same round. The step in PyTorch is that of `srgan_x4`.
"""

import contextlib
import json
import logging
import os
import pathlib
import statistics
import subprocess
import sys

from benchmarks import sizes
from srgan_tf.commands import cli
from srgan_tf.errors import WorkError
from srgan_tf.precisions import PRECISIONS

_log = logging.getLogger(__name__)


def main(arguments):
    """Measures and logs one row for each version.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks turns")
    parser.add_argument("--preset", default="srgan_x4")
    parser.add_argument("--phase", choices=("pretrain", "gan"), default="pretrain")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32")
    sizes.add_flags(parser)
    parser.add_argument("--rounds", type=int, default=24, help="timed steps of each (default: %(default)s)")
    parser.add_argument("--checkout", action="append", default=[], help="folder of another version; may be repeated")
    parser.add_argument("--torch-python", help="a Python that has PyTorch and this project")
    flags = parser.parse_args(arguments)

    here = pathlib.Path(__file__).resolve().parents[1]
    versions = {"this checkout": (sys.executable, here, False)}
    versions |= {folder: (sys.executable, folder, False) for folder in flags.checkout}
    if flags.torch_python:
        versions["PyTorch"] = (flags.torch_python, here, True)
    settings = {name: getattr(flags, name) for name in ("preset", "phase", "precision", "batch_size", "hr_patch_size")}
    with contextlib.ExitStack() as stack:
        steps = {
            name: stack.enter_context(_process(python, folder, settings | {"torch": is_torch}))
            for name, (python, folder, is_torch) in versions.items()
        }
        seconds = by_turns(steps, flags.rounds)
    ours = seconds["this checkout"]
    _log.info(f"{'':24}{'median s':>10}{'least s':>10}{'ratio':>10}")
    for name, values in seconds.items():
        ratio = statistics.median(other / own for other, own in zip(values, ours, strict=True))
        _log.info(f"{name:24}{statistics.median(values):10.3f}{min(values):10.3f}{ratio:9.3f}x")


def by_turns(steps, rounds):
    """Seconds of each step of each version; every second round is in reverse order.

    Args:
        steps: functions that do a step and return its seconds, by name.
        rounds: number of steps of each.
    """
    seconds = {name: [] for name in steps}
    for number in range(rounds):
        for name in list(steps)[:: -1 if number % 2 else 1]:
            seconds[name].append(steps[name]())
    return seconds


@contextlib.contextmanager
def _process(python, folder, settings):
    """A function that has a process do one step and returns its seconds."""
    command = [python, "-m", "benchmarks.on_demand", json.dumps(settings)]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=folder, env=quiet, **pipes)

    def answer():
        line = process.stdout.readline()
        if not line:
            raise WorkError(f"the steps of {folder} with {python} failed, see above")
        return line

    def step():
        print(file=process.stdin, flush=True)
        return float(answer())

    with process:
        try:
            answer()
            yield step
        finally:
            process.kill()
