"""The command `srgan-tf NAME ...`, or `python -m srgan_tf NAME ...`: runs a subcommand."""

import importlib
import sys

from srgan_tf import __version__
from srgan_tf.commands import cli

# A subcommand NAME is `main()` of the module commands/NAME.py, which reads sys.argv.
COMMANDS = {
    "train": "train a generator",
    "evaluate": "score models on images with a known HR image",
    "upscale": "upscale images and folders",
    "export": "export a generator as SavedModel, ONNX or LiteRT",
    "rank": "train the ranker for RankSRGAN",
    "weights": "list the models that come with the package",
    "web": "upscale on a page in the browser, or over HTTP",
    "client": "upscale images with a model on TensorFlow Serving",
}


def main():
    """Runs the subcommand given on the command line; returns the exit code."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name == "--version":
        print(f"srgan-tf {__version__}")
        return 0
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
