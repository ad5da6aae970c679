"""The README's commands, held against the scripts and the CI."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
TEST_COMMAND = 'python3 -m venv .venv && .venv/bin/pip install -e ".[dev,export]" && .venv/bin/python -m pytest'


def test_ci_runs_the_readmes_test_command():
    assert f"{TEST_COMMAND}\n" in BLOCKS
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text().splitlines()
    assert TEST_COMMAND in (ROOT / "CONTRIBUTING.md").read_text().splitlines()


@pytest.mark.parametrize("script", ["train", "evaluate", "upscale", "export"])
def test_commands_use_flags_that_exist(run_script, script):
    _, help_text, _ = run_script(script, "--help")
    commands = [
        command
        for block in BLOCKS
        for line in block.replace("\\\n", " ").splitlines()
        for command in line.split("&&")
        if f"{script}.py" in command
    ]
    assert commands
    for command in commands:
        for flag in re.findall(r"--[a-z]+", command):
            assert flag in help_text, command


def test_settings_in_commands_exist():
    from srgan_tf.config import presets
    from srgan_tf.config.overrides import with_settings

    for block in BLOCKS:
        for command in block.replace("\\\n", " ").splitlines():
            preset = re.search(r"--preset (\w+)", command)
            settings = re.findall(r"--set (\S+)", command)
            if "train.py" in command:
                with_settings(presets.load_preset(preset[1] if preset else "srgan_x4"), settings)


def test_files_that_are_linked_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_every_preset_is_listed():
    from srgan_tf.config.presets import PRESETS

    for name in PRESETS:
        assert f"`{name}`" in README
