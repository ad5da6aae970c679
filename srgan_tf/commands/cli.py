"""What the four scripts share: one-line errors, exit codes, and a quiet TensorFlow.

The scripts import everything heavy inside their `main`, after their flags are read: `--help` answers at once.
"""

import argparse
import importlib
import logging
import os
import sys

from srgan_tf.errors import UserError, WorkError


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def __init__(self, description, **options):
        super().__init__(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )

    def parse_args(self, *arguments, **options):
        """Parses, and imports TensorFlow when the flags are right."""
        flags = super().parse_args(*arguments, **options)
        quiet_tensorflow()
        return flags

    def error(self, message):
        """Prints the error and exits with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def positive_int(text):
    """The type of a flag that takes a whole number of at least 1."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"a whole number of at least 1 is needed, not {text!r}")
    return int(text)


def execute(main, program=None):
    """Runs a script's `main` and turns its errors into exit codes.

    Args:
        main: function of no arguments.
        program: what errors call it; the script's file name if None.

    Returns:
        0 when done; 2 for wrong use (`UserError`); 1 when the work failed (`WorkError`); 130 when interrupted. Any
        other exception is a bug and keeps its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    program = program or os.path.basename(sys.argv[0])
    try:
        main()
    except UserError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    except WorkError as error:
        print(f"{program}: failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    return 0


def quiet_tensorflow():
    """Imports TensorFlow without its notes about CPU features and missing GPUs; a log level set by the user stays.

    The first notes are written before any log level is obeyed, so stderr itself is put away for the import. An import
    that fails still raises.
    """
    # GPU memory grows with the need: else the first script would take all of it.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.stderr.flush()
    stderr = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        importlib.import_module("tensorflow")
        logging.getLogger("absl").setLevel(logging.WARNING)
        logging.getLogger("tensorflow").setLevel(logging.WARNING)
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
