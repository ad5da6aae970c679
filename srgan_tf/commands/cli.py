"""Shared by all commands: one-line errors, exit codes, and an import of TensorFlow without log messages.

Commands import TensorFlow inside `main`, after the flags are parsed, so `--help` is fast.
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
        """Parses the flags. If they are valid, imports TensorFlow."""
        flags = super().parse_args(*arguments, **options)
        quiet_tensorflow()
        return flags

    def error(self, message):
        """Prints the error and exits with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (see --help)\n")


def positive_int(text):
    """Type of a flag: an integer of at least 1."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"expected an integer of at least 1 (received {text!r})")
    return int(text)


def execute(main, program=None):
    """Runs the `main` of a command and turns its errors into exit codes.

    Args:
        main: function of no arguments.
        program: its name in error messages; the file name of the script if None.

    Returns:
        0 on success; 2 for wrong use (`UserError`); 1 if the work failed (`WorkError`); 130 if interrupted. Any other
        exception is a bug and keeps its traceback.
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
    """Imports TensorFlow without its messages about CPU features and missing GPUs. A log level set by the user is kept.

    TensorFlow writes its first messages before it reads the log level, so stderr is redirected during the import. A
    failing import still raises.
    """
    # Allocate GPU memory on demand; by default TensorFlow takes all of it.
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
