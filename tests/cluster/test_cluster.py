"""Upscaling on two nodes of a Ray cluster on loopback: results, faults, and what the same command does afterwards.

A poison picture, a killed node and a full disk are slow tests, once each; the rest is `-m soak`.
`python -m benchmarks cluster` measures.
"""

import functools
import json
import shutil
import subprocess
import sys
import threading

import numpy as np
import psutil
import pytest
from PIL import Image
from support.ray_cluster import Hungry, Poisoned, Slow, add_node, loopback_cluster
from support.samples import ROOT, repetitions
from support.waiting import wait_until

from srgan_tf.cluster import driver
from srgan_tf.cluster.pool import Pool

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    with loopback_cluster(nodes=2) as started:
        yield started


@pytest.fixture
def pictures(tmp_path, rng):
    """A folder of thirty pictures, some in a subfolder."""
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for index in range(30):
        picture = rng.integers(0, 256, (24 + index, 40, 3), np.uint8)
        Image.fromarray(picture).save(folder / f"{'sub/' if index % 3 else ''}{index:02d}.png")
    return folder


@pytest.fixture
def upscale(run_script, cluster):
    """Function (folder, output, *arguments) that upscales on the cluster; returns (code, output, errors)."""
    return lambda folder, output, *arguments: run_script(
        "upscale", folder, "--output", output, "--cluster", cluster.address, "--model", "bicubic", *arguments
    )


def contents(folder):
    """{relative path: bytes} of the results in a folder; fails if an unfinished file is there."""
    assert not list(folder.rglob(".unfinished-*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}


@pytest.fixture
def expected(run_script, pictures, tmp_path):
    """The results of one machine."""
    code, *_ = run_script("upscale", pictures, "--output", tmp_path / "expected", "--model", "bicubic")
    assert code == 0
    return contents(tmp_path / "expected")


def use(monkeypatch, work):
    """Makes the actors of this test of another class."""
    monkeypatch.setattr(driver, "Pool", functools.partial(Pool, work=work))


def test_results_are_those_of_one_machine(upscale, pictures, expected, tmp_path):
    code, output, _ = upscale(pictures, tmp_path / "out")
    assert code == 0
    assert contents(tmp_path / "out") == expected
    assert "upscaling x4 with bicubic, pictures: 30; cluster" in output
    assert output.endswith(f"done: {tmp_path / 'out'}, upscaled: 30\n")
    (tmp_path / "out" / "00.png").unlink()
    code, output, _ = upscale(pictures, tmp_path / "out")  # the same command goes on
    assert code == 0
    assert output.endswith(f"done: {tmp_path / 'out'}, upscaled: 1, kept: 29\n")
    assert contents(tmp_path / "out") == expected
    code, _, error = upscale(pictures, tmp_path / "out", "--scale", "2")
    assert code == 2
    assert "holds results of another scale (None, now 2.0): give another --output" in error


@pytest.mark.soak
def test_results_of_a_network_at_addresses(run_script, upscale, picture_folder, tmp_path):
    (picture_folder / "bad.png").write_text("no picture")
    network = ("--model", "compact_x4", "--precision", "float32")
    assert run_script("upscale", picture_folder, "--output", tmp_path / "expected", *network)[0] == 1
    code, _, error = upscale(f"file://{picture_folder}", f"file://{tmp_path}/out", *network)
    assert code == 1
    assert "1 of 13 pictures failed; the reasons are in 'file://" in error
    assert contents(tmp_path / "out") == contents(tmp_path / "expected")
    (failure,) = map(json.loads, (tmp_path / "out/failures.jsonl").read_text().splitlines())
    assert failure == {
        "picture": f"file://{picture_folder}/bad.png",
        "reason": f"cannot read the image 'file://{picture_folder}/bad.png': not an image file",
    }


def test_a_picture_that_kills_its_process_is_named(monkeypatch, upscale, pictures, expected, tmp_path):
    shutil.copy(pictures / "00.png", pictures / "poison.png")
    use(monkeypatch, Poisoned)
    code, output, error = upscale(pictures, tmp_path / "out")
    assert code == 1
    assert "1 of 31 pictures failed" in error
    reason = f"'{pictures}/poison.png' was tried twice: its process was killed, perhaps for lack of memory"
    assert f"failed: {reason}\n" in output
    assert json.loads((tmp_path / "out/failures.jsonl").read_text())["reason"] == reason
    assert contents(tmp_path / "out") == expected


@pytest.mark.soak
def test_a_picture_that_uses_up_the_memory_of_its_node(monkeypatch, run_script, pictures, expected, tmp_path):
    shutil.copy(pictures / "00.png", pictures / "poison.png")
    use(monkeypatch, Hungry)
    memory = psutil.virtual_memory()
    allowed = memory.total - memory.available + (4 << 30)
    monkeypatch.setenv("RAY_memory_usage_threshold", str(allowed / memory.total))
    with loopback_cluster(nodes=2) as cluster:
        code, output, error = run_script(
            *("upscale", pictures, "--output", tmp_path / "out", "--cluster", cluster.address, "--model", "bicubic")
        )
        assert len(cluster.worker_nodes) == 1
    assert code == 1
    assert "1 of 31 pictures failed" in error
    assert f"failed: '{pictures}/poison.png' was tried twice: its node had no more memory\n" in output
    assert contents(tmp_path / "out") == expected


def kill_an_actor(_):
    actors = [
        process for process in psutil.process_iter(["cmdline"]) if "ray::Slow" in "".join(process.info["cmdline"] or ())
    ]
    actors[0].kill()


def kill_a_node(cluster):
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)


# test_a_picture_that_kills_its_process_is_named is the faster test of a lost actor.
@pytest.mark.parametrize("seed", repetitions(15))
@pytest.mark.parametrize("kill", [pytest.param(kill_an_actor, marks=pytest.mark.soak), kill_a_node])
def test_kills(monkeypatch, upscale, cluster, pictures, expected, tmp_path, kill, seed):
    use(monkeypatch, Slow)
    output = tmp_path / "out"
    after = np.random.default_rng(seed).integers(1, 20)

    def kill_in_the_middle():
        wait_until(lambda: len([*output.rglob("*.png")]) >= after, seconds=300)
        kill(cluster)

    thread = threading.Thread(target=kill_in_the_middle)
    thread.start()
    try:
        code, text, error = upscale(pictures, output)
    finally:
        thread.join()
        if not cluster.worker_nodes:
            add_node(cluster)
    assert code == 0, error
    assert contents(output) == expected
    assert "upscaled: 30\n" in text
    numbers = [line for line in text.splitlines() if "/30] " in line]
    assert len(numbers) == 30


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(15))
def test_a_killed_driver(upscale, cluster, pictures, expected, tmp_path, seed):
    output = tmp_path / "out"
    arguments = ("upscale", pictures, "--output", output, "--cluster", cluster.address, "--model", "bicubic")
    command = [sys.executable, "-m", "srgan_tf", *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: len([*output.rglob("*.png")]) > seed or process.poll() is not None, seconds=300)
        process.kill()
    code, _, error = upscale(pictures, output)
    assert code == 0, error
    assert contents(output) == expected


def test_a_full_disk(upscale, run_script, pictures, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no permission to mount a file system")
    try:
        code, _, error = upscale(pictures, disk / "out")
        assert code == 1
        assert len(error.splitlines()) == 1
        assert "No space left on device; " in error
        assert not list(disk.rglob(".unfinished-*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
