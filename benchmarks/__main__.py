"""`python -m benchmarks COMMAND ...`: each command is a module of this folder."""

import importlib
import sys

from srgan_tf.commands import cli
from srgan_tf.errors import UserError

# Names to what each measures. A command is the module of its name: its `main(arguments)` parses, measures and logs.
COMMANDS = {
    "data": "patches a second of the data pipeline alone",
    "models": "the generators of the presets: parameters, arithmetic, seconds, receptive field",
    "stores": "ways to keep decoded pictures on disk",
    "train": "steps of training: patches a second, share of peak, memory",
    "upscale": "upscaling: megapixels a second, beside other runtimes",
}


def main(arguments):
    """Runs one benchmark.

    Args:
        arguments: the command line after the module's name.

    Raises:
        UserError: no such command.
    """
    if arguments[:1] in ([], ["-h"], ["--help"]):
        listing = "\n".join(f"  {name:10}{text}" for name, text in COMMANDS.items())
        print(f"usage: python -m benchmarks COMMAND ...\n\n{listing}\n\nCOMMAND --help tells its options.")
        return
    name, *rest = arguments
    if name not in COMMANDS:
        raise UserError(f"no benchmark {name!r}: there are {', '.join(COMMANDS)}")
    importlib.import_module(f"benchmarks.{name}").main(rest)


if __name__ == "__main__":
    sys.exit(cli.execute(lambda: main(sys.argv[1:]), "benchmarks"))
