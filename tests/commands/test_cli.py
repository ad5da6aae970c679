import errno
import logging
import os
import subprocess
import sys

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


def test_compiled_steps_are_kept_in_the_cache_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cli.keep_compilations()
    (folder,) = (tmp_path / "srgan_tf").iterdir()
    assert folder.name.startswith("xla-")
    assert os.environ["TF_XLA_FLAGS"] == f"--tf_xla_persistent_cache_directory={folder}"
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_enable_xla_devices")
    cli.keep_compilations()
    assert os.environ["TF_XLA_FLAGS"] == "--tf_xla_enable_xla_devices"


def test_without_a_cache_folder_nothing_is_kept(monkeypatch, tmp_path):
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cli.keep_compilations()
    assert "TF_XLA_FLAGS" not in os.environ


@pytest.mark.slow
def test_a_second_run_finds_the_compiled_step(monkeypatch, tmp_path):
    monkeypatch.delenv("TF_XLA_FLAGS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    flags = [
        "--preset",
        "tiny",
        "--data",
        "synthetic",
        "--jit",
        "on",
        "--set",
        "pretrain.steps=1",
        "--set",
        "gan.steps=0",
    ]
    times = []
    for number in range(2):
        command = [sys.executable, "-m", "srgan_tf", "train", *flags, "--workdir", str(tmp_path / str(number))]
        subprocess.run(command, check=True, capture_output=True)
        files = [*(tmp_path / "cache").rglob("xla_compile_cache*")]
        times.append({file.name: file.stat().st_mtime_ns for file in files})
    assert times[0]
    assert times[0] == times[1]
