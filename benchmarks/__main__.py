"""`python -m benchmarks COMMAND ...`: each command is a module of this folder."""

import importlib
import sys

from srgan_tf.commands import cli
from srgan_tf.errors import UserError

# A command NAME is `main(arguments)` of the module benchmarks/NAME.py.
COMMANDS = {
    "cluster": "upscaling on Ray nodes of this machine: pictures per second, time per job of the driver",
    "data": "data pipeline: patches per second",
    "family": "every preset from training to export, with one small budget; hours",
    "gpu": "one command for a new GPU: proof, training steps, upscaling, beside PyTorch; JSON and Markdown",
    "models": "generators of the presets: parameters, arithmetic, seconds, receptive field",
    "stability": "every adversarial objective on a small network, with a plot; hours",
    "stores": "ways to keep decoded pictures on disk: crops per second",
    "torch_step": "training steps in PyTorch, to compare with train",
    "train": "training steps: patches per second, share of peak, memory",
    "turns": "training steps of several versions and of PyTorch by turns: ratios that other load does not change",
    "upscale": "upscaling: megapixels per second, compared with other runtimes",
}


def main(arguments):
    """Runs one benchmark.

    Args:
        arguments: the command line after the module's name.

    Raises:
        UserError: an unknown command, or one that needs a package that is not installed.
    """
    if arguments[:1] in ([], ["-h"], ["--help"]):
        listing = "\n".join(f"  {name:12}{text}" for name, text in COMMANDS.items())
        print(f"usage: python -m benchmarks COMMAND ...\n\n{listing}\n\nCOMMAND --help shows its options.")
        return
    name, *rest = arguments
    if name not in COMMANDS:
        raise UserError(f"unknown benchmark {name!r}: expected one of {', '.join(COMMANDS)}")
    try:
        module = importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        raise UserError(f"the benchmark {name!r} needs the package {error.name!r}, which is not installed") from error
    module.main(rest)


if __name__ == "__main__":
    sys.exit(cli.execute(lambda: main(sys.argv[1:]), "benchmarks"))
