"""SIGKILL at random moments: no damaged result, and the next run completes the work and removes what was left.

`-m slow` kills each command once, `-m soak` 47 times more: 50 kills in all.
"""

import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from support.samples import ROOT

from srgan_tf.images.pictures import read_picture
from srgan_tf.inference.exported import versions
from srgan_tf.inference.loading import load_upscaler


def kills(slow, soak):
    """Seeds as parameters of a test: `slow` ones, then `soak` more."""
    return [
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(slow)),
        *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(slow, slow + soak)),
    ]


def unfinished(folder):
    return list(folder.rglob(".unfinished-*"))


def kill(output, seed, *arguments, longest):
    """Runs a command and kills it up to `longest` seconds after its first unfinished file or folder was there."""
    command = [sys.executable, "-m", "srgan_tf", *map(str, arguments), "--output", str(output)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not unfinished(output):
            time.sleep(0.001)
        time.sleep(np.random.default_rng(seed).uniform(0, longest))
        process.kill()


@pytest.fixture
def pictures(picture_folder):
    for path in list(picture_folder.iterdir()):
        for number in range(4):
            shutil.copy(path, path.with_name(f"{path.stem}-{number}.png"))
    return picture_folder


@pytest.mark.parametrize("seed", kills(1, 16))
def test_upscale(run_script, tmp_path, pictures, seed):
    arguments = ("upscale", pictures, "--model", "bicubic")
    kill(tmp_path / "out", seed, *arguments, longest=1)
    assert run_script(*arguments, "--output", tmp_path / "expected")[0] == 0
    expected = {path.name: path.read_bytes() for path in (tmp_path / "expected").iterdir()}
    for path in set((tmp_path / "out").iterdir()) - set(unfinished(tmp_path / "out")):
        assert path.read_bytes() == expected[path.name]
    assert run_script(*arguments, "--output", tmp_path / "out", "--existing", "skip")[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == expected


@pytest.mark.slow
@pytest.mark.parametrize("seed", kills(1, 16))
def test_evaluate(run_script, tmp_path, picture_folder, seed):
    arguments = ("evaluate", "--model", "bicubic", "--data", picture_folder)
    output = tmp_path / "out"
    kill(output, seed, *arguments, longest=5)
    if (output / "metrics.json").exists():
        json.loads((output / "metrics.json").read_text())
        assert len(list((output / "pictures" / "sr").iterdir())) == 12
    for path in (output / "pictures").rglob("*.png"):
        assert read_picture(path).size
    assert run_script(*arguments, "--output", output)[0] == 0
    assert not unfinished(output)
    images = json.loads((output / "metrics.json").read_text())["datasets"]["pictures"]["images"]
    assert len(images) == len(list((output / "pictures" / "sr").iterdir())) == 12


@pytest.mark.parametrize("seed", kills(1, 15))
def test_export(run_script, tmp_path, small_generator, seed):
    small_generator.save(tmp_path / "small.keras")
    arguments = ("export", "--model", tmp_path / "small.keras")
    output = tmp_path / "out"
    kill(output, seed, *arguments, longest=4)
    for version in versions(output):
        assert load_upscaler(str(output / str(version))).scale == 4
    assert run_script(*arguments, "--output", output)[0] == 0
    assert not unfinished(output)
    assert load_upscaler(str(output)).scale == 4
