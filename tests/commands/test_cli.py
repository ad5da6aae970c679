import errno
import logging

import pytest

from srgan_tf.commands import cli
from srgan_tf.errors import UserError, WorkError


def failing(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (UserError("no image 'a\x1b[31m\nb'"), 2, r"p: error: no image 'a\x1b[31m\nb'"),
        (WorkError("no answer at http://me:secret@host:1/v1"), 1, "p: failed: no answer at http://***@host:1/v1"),
        (MemoryError(), 1, "p: failed: not enough memory"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "qqq"), 2, "p: error: File name too long: 'qqq'"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "p: failed: No space left on device"),
        (KeyboardInterrupt(), 130, "p: interrupted"),
    ],
)
def test_errors_are_one_line(capfd, error, code, message):
    assert cli.execute(failing(error), "p") == code
    assert capfd.readouterr().err == f"{message}\n"


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file", "a"), KeyError("a")])
def test_a_bug_keeps_its_traceback(error):
    with pytest.raises(type(error)):
        cli.execute(failing(error), "p")


def test_a_name_that_the_stream_cannot_encode(capfd):
    assert cli.execute(lambda: print("caf\udce9"), "p") == 0
    assert capfd.readouterr().out == "caf\\udce9\n"


def test_log_messages_have_no_control_characters():
    formatter = cli._SafeFormatter("%(message)s")
    record = logging.LogRecord("a", logging.INFO, "", 0, "two\nlines \x1b[2J", (), None)
    assert formatter.format(record) == "two\nlines \\x1b[2J"


@pytest.mark.parametrize("text", ["0", "-1", "x", "9223372036854775808", "9" * 5000])
def test_integers_that_are_not_positive_or_too_large(text):
    with pytest.raises(cli.argparse.ArgumentTypeError, match="expected an integer from 1 to"):
        cli.positive_int(text)
    assert cli.positive_int("9223372036854775807") == 2**63 - 1


@pytest.mark.parametrize("text", ["-1", "x", "2147483648", "1.5", "9" * 5000])
def test_seeds_that_are_not_valid(text):
    with pytest.raises(cli.argparse.ArgumentTypeError, match="expected an integer from 0 to"):
        cli.seed(text)
    assert cli.seed("2147483647") == 2**31 - 1
