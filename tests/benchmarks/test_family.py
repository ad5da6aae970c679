import argparse
import importlib
import subprocess
import sys

import pytest

from benchmarks import family
from srgan_tf.errors import WorkError


class ParsedError(Exception):
    """Stops a command after its own parser."""


@pytest.fixture
def run_commands(monkeypatch):
    """The command lines that were started, each checked by the parser of its command instead of being run."""
    commands = []
    parse_args = argparse.ArgumentParser.parse_args

    def parse_and_stop(self, *given):
        raise ParsedError(parse_args(self, *given))

    def run(command, **_):
        assert command[:3] == [sys.executable, "-m", "srgan_tf"]
        commands.append(command[3:])
        monkeypatch.setattr(sys, "argv", command[3:])
        with pytest.raises(ParsedError):
            importlib.import_module(f"srgan_tf.commands.{command[3]}").main()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_ranksrgan_is_pretrained_then_gets_a_ranker(run_commands, tmp_path):
    for _ in range(2):  # what is done is not repeated
        family.train("ranksrgan_x4", ["--data", "photos", "--valid", "Set5"], tmp_path)
    assert [command[0] for command in run_commands] == ["train", "rank", "train"]
    assert f"gan.ranker={tmp_path / 'ranker' / 'ranker.keras'}" in run_commands[-1]
    assert family.spent_on(tmp_path / "ranksrgan_x4")["done"]


def test_a_failed_command_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", lambda command: subprocess.CompletedProcess(command, 3))
    with pytest.raises(WorkError, match=r"srgan-tf train for '.*/run' failed with exit code 3"):
        family.call("train", workdir=tmp_path / "run")
    assert not family.spent_on(tmp_path / "run")["done"]
