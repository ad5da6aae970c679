"""SIGKILL inside the writing of checkpoints, in both phases: nothing damaged, lost or left behind, the same weights.

`pytest -n 0 -m soak tests/training/test_kills.py` kills 100 times. tests/test_end_to_end.py kills between
checkpoints.
"""

import json
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from support.samples import FAST, ROOT

from srgan_tf.files import sha256
from srgan_tf.networks.saved import load_generator
from srgan_tf.training.checkpoints import steps_in

LONGEST_WRITE = 0.15  # seconds from the unfinished folder to the removal of old checkpoints, and a little more
CHECKPOINTS = {"pretrain": (4, 6, 8, 12), "gan": (4, 6, 8)}


def kill_inside_checkpoint(workdir, phase, previous, delay):
    """Trains in `workdir`, and kills `delay` seconds after the write of the checkpoint that follows step `previous`."""
    folder = workdir / "checkpoints" / phase
    command = [sys.executable, "-m", "srgan_tf", "train", *FAST, "--workdir", str(workdir)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        started = time.monotonic()
        while not ((previous == 0 or steps_in(folder)[-1:] >= [previous]) and list(folder.glob(".unfinished-*"))):
            assert process.poll() is None
            assert time.monotonic() - started < 300
            time.sleep(0.0005)
        time.sleep(delay)
        process.kill()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.soak
@pytest.mark.parametrize("number", range(50))
def test_train(tmp_path, trained_run, number):
    rng = np.random.default_rng(number)
    workdir = tmp_path / "killed"
    for phase, steps in CHECKPOINTS.items():
        previous = int(rng.choice([0, *steps[:-1]]))
        delay = rng.uniform(0, LONGEST_WRITE)
        kill_inside_checkpoint(workdir, phase, previous, delay)
        folder = workdir / "checkpoints" / phase
        finished = steps_in(folder)
        print(f"{phase}: killed {delay:.3f} s into the write after {previous}; complete: {finished}")
        for step in finished:
            assert_intact(folder / f"{step:07}")
        assert not previous or finished[-1] >= previous  # nothing that was saved is lost
    subprocess.run(
        [sys.executable, "-m", "srgan_tf", "train", *FAST, "--workdir", str(workdir)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    left = [
        path
        for path in pathlib.Path(workdir).rglob("*")
        if path.name.startswith((".unfinished-", ".replaced-", ".removed-"))
    ]
    assert left == []
    for killed, unbroken in zip(weights_of(workdir), weights_of(trained_run), strict=True):
        np.testing.assert_array_equal(killed, unbroken)
    for phase in CHECKPOINTS:
        assert steps_in(workdir / "checkpoints" / phase) == steps_in(trained_run / "checkpoints" / phase)
        best = f"checkpoints/{phase}/best.json"
        assert sha256(workdir / best) == sha256(trained_run / best)


def assert_intact(checkpoint):
    sums = json.loads((checkpoint / "sha256.json").read_text())
    assert {file.name for file in checkpoint.iterdir()} == {*sums, "sha256.json"}
    assert {name: sha256(checkpoint / name) for name in sums} == sums


def weights_of(workdir):
    return load_generator(str(workdir)).get_weights()
