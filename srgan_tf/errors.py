"""The errors that commands report in one line, without a traceback, and helpers for such lines."""

import errno
import re


class UserError(ValueError):
    """Wrong use: a setting, path, image folder or model that does not exist or cannot work. Exit code 2."""


class WorkError(RuntimeError):
    """The work started and failed: a damaged image, a diverged training run. Exit code 1."""


def install_command(extra):
    """How to install an optional extra. The name `srgan_tf` alone would be looked up in a package index.

    >>> install_command("web")
    "pip install '.[web]' in the checkout of srgan_tf"
    """
    return f"pip install '.[{extra}]' in the checkout of srgan_tf"


def missing_extra(use, extra, error):
    """The `UserError` about an `ImportError` of an optional package.

    Args:
        use: what needs the package.
        extra: name of the extra in pyproject.toml.
        error: the `ImportError`.
    """
    return UserError(f"{use} needs {install_command(extra)} (no module {error.name!r})")


def is_disk_full(error):
    """Whether an `OSError`, or the cause of another exception, is that of a full disk or quota."""
    cause = error if isinstance(error, OSError) else error.__cause__
    return getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def first_line(error):
    """The first line of an exception's message, or its type if the message is empty, for one-line reports."""
    text = re.sub(r"\{\{.*?\}\}\s*", "", str(error)).strip()  # names of TensorFlow's graph nodes
    return printable(next(iter(text.splitlines()), type(error).__name__))


def joined_lines(text, longest=500):
    r"""Text of several lines in one, without control characters and cut off after `longest` characters.

    >>> joined_lines("assertion failed:\n\t[too large]")
    'assertion failed: [too large]'
    """
    return printable(" ".join(str(text).split()))[:longest]


def printable(value):
    r"""Text without control characters and undecodable bytes, which are escaped: safe for a terminal and any stream.

    >>> printable("a\x1b[31m.png")
    'a\\x1b[31m.png'
    """
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )
