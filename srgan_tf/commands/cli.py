"""Shared by all commands: one-line errors, exit codes, and an import of TensorFlow without log messages.

Commands import TensorFlow inside `main`, after the flags are parsed, so `--help` is fast.
"""

import argparse
import errno
import importlib
import importlib.metadata
import logging
import os
import pathlib
import platform
import re
import sys

from srgan_tf.errors import UserError, WorkError, printable

# System errors that come from the machine or from a path that was given, and not from a bug of this program.
_OUTSIDE_ERRORS = frozenset(
    (errno.EACCES, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENAMETOOLONG, errno.ENOSPC, errno.EPERM, errno.EROFS)
)


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line.

    Args:
        description: text of `--help`.
        imports_tensorflow: whether the command needs TensorFlow in this process.
        **options: see `argparse.ArgumentParser`.
    """

    def __init__(self, description, *, imports_tensorflow=True, **options):
        super().__init__(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )
        self._imports_tensorflow = imports_tensorflow

    def parse_args(self, *arguments, **options):
        """Parses the flags. If they are valid, imports TensorFlow if the command needs it."""
        flags = super().parse_args(*arguments, **options)
        if self._imports_tensorflow:
            quiet_tensorflow()
        return flags

    def error(self, message):
        """Prints the error and exits with code 2."""
        self.exit(2, f"{self.prog}: error: {_safe(message)} (see --help)\n")


def keep_compilations():
    """Lets XLA keep compiled steps for the next run, in the user's cache folder; before TensorFlow is imported.

    The folder is of this machine and this TensorFlow: compiled code may not run on another. An environment variable
    TF_XLA_FLAGS takes precedence.
    """
    try:
        version = importlib.metadata.version("tensorflow")
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        folder = cache / "srgan_tf" / f"xla-{platform.node()}-tensorflow-{version}"
        folder.mkdir(parents=True, exist_ok=True)
    except (importlib.metadata.PackageNotFoundError, OSError, RuntimeError):  # other builds of TensorFlow; no home
        return
    if os.access(folder, os.W_OK):
        os.environ.setdefault("TF_XLA_FLAGS", f"--tf_xla_persistent_cache_directory={folder}")


def positive_int(text):
    """Type of a flag: an integer of at least 1 that fits into 64 bits."""
    if not (text.isdecimal() and len(text) <= 19 and 0 < int(text) < 2**63):  # int() refuses thousands of digits
        raise argparse.ArgumentTypeError(f"expected an integer from 1 to 2**63 - 1 (received {text!r})")
    return int(text)


def seed(text):
    """Type of a flag: an integer from 0 to 2^31 - 1."""
    if not (text.isdecimal() and len(text) <= 10 and int(text) < 2**31):
        raise argparse.ArgumentTypeError(f"expected an integer from 0 to 2**31 - 1 (received {text!r})")
    return int(text)


def execute(main, program=None):
    """Runs the `main` of a command and turns its errors into exit codes.

    Args:
        main: function of no arguments.
        program: its name in error messages; the file name of the script if None.

    Returns:
        0 on success; 2 for wrong use (`UserError`, or a path that is too long); 1 if the work failed (`WorkError`, no
        memory, a full disk, no permission); 130 if interrupted. Any other exception is a bug and keeps its traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # file names that the terminal's encoding does not have
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_SafeFormatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    program = program or os.path.basename(sys.argv[0])
    try:
        main()
    except UserError as error:
        print(f"{program}: error: {_safe(error)}", file=sys.stderr)
        return 2
    except WorkError as error:
        print(f"{program}: failed: {_safe(error)}", file=sys.stderr)
        return 1
    except MemoryError:
        print(f"{program}: failed: not enough memory", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno not in _OUTSIDE_ERRORS:
            raise
        file = "" if error.filename is None else f": {error.filename!r}"
        too_long = error.errno == errno.ENAMETOOLONG
        print(f"{program}: {'error' if too_long else 'failed'}: {_safe(f'{error.strerror}{file}')}", file=sys.stderr)
        return 2 if too_long else 1
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return 130
    return 0


class _SafeFormatter(logging.Formatter):
    """Escapes control characters in each line of a message; tracebacks keep their lines."""

    def format(self, record):
        return "\n".join(map(_safe, super().format(record).split("\n")))


def _safe(text):
    """Text without control characters, and without the password of a URL."""
    return re.sub(r"://[^/@\s]*@", "://***@", printable(text))


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
