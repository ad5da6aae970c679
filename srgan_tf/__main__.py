"""The command `srgan-tf NAME ...`, also as `python -m srgan_tf NAME ...`: runs one subcommand."""

import importlib
import sys

from srgan_tf.commands import cli

# Names to what each does. A subcommand is the module of its name in `commands/`: its `main()` reads sys.argv.
COMMANDS = {
    "train": "train a generator",
    "evaluate": "score models on pictures whose HR is known",
    "upscale": "upscale pictures and folders",
    "export": "export a generator as SavedModel, ONNX or LiteRT",
    "rank": "train the ranker of RankSRGAN",
    "weights": "list the models that come with the package",
    "client": "upscale pictures by a model on TensorFlow Serving",
}


def main():
    """Runs the subcommand that the command line names; returns the exit code."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        listing = "\n".join(f"  {command:10}{text}" for command, text in COMMANDS.items())
        print(f"usage: srgan-tf COMMAND ...\n\n{listing}\n\nsrgan-tf COMMAND --help shows its options.")
        return 0
    if name not in COMMANDS:
        print(f"srgan-tf: error: unknown command {name!r}: expected {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    sys.argv = [f"srgan-tf {name}", *rest]
    return cli.execute(importlib.import_module(f"srgan_tf.commands.{name}").main)


if __name__ == "__main__":
    sys.exit(main())
