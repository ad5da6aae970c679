"""Several replicas (virtual devices) and machines (local processes), compared with one device."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf
from support.samples import FAST, ROOT

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.errors import UserError
from srgan_tf.training.distribution import check_batch, is_chief, per_replica, uses_jit

WORKER = ROOT / "tests" / "support" / "replicas.py"


def start_steps(kind, path, environment=None):
    """Starts tests/support/replicas.py; returns the process."""
    return subprocess.Popen(
        [sys.executable, str(WORKER), kind, str(path)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    try:
        output, errors = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()  # closes its pipes
        raise
    assert process.returncode == 0, errors[-2000:]
    return output


def cluster(count):
    """TF_CONFIG of each of some workers on this machine."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    addresses = [f"localhost:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return [
        {"TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}})}
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Results of the steps, by the names of the files that tests/support/replicas.py writes."""
    folder = tmp_path_factory.mktemp("replicas")
    finish(start_steps("local", folder))
    return {path.stem: np.load(path) for path in folder.iterdir()}


def assert_equal_runs(result, single):
    """Compares the losses of each step and the final weights; float32 sums may be in another order."""
    np.testing.assert_allclose(result["losses"], single["losses"], rtol=2e-3, atol=1e-5)
    np.testing.assert_array_equal(result["skipped"], single["skipped"])
    assert single["skipped"].sum() == 1  # one batch has a NaN, on the last replica
    assert result["replicas_are_equal"]
    for name in single.files:
        if name.startswith("weight"):
            assert np.isfinite(result[name]).all()
            np.testing.assert_allclose(result[name], single[name], atol=2e-4)
        if "moment" in name:  # mean gradients and mean squares: a wrong scale shows here
            largest = np.abs(single[name]).max()
            np.testing.assert_allclose(result[name], single[name], atol=0.05 * largest + 1e-12, err_msg=name)


@pytest.mark.slow
def test_a_float16_overflow_on_one_replica_changes_no_weight(results):
    result = results["float16"]
    assert result["skipped"][7] == 1.0
    assert result["replicas_are_equal"]
    assert all(np.isfinite(result[name]).all() for name in result.files)


@pytest.mark.slow
def test_two_replicas_give_the_losses_of_one(results):
    assert_equal_runs(results["mirrored"], results["single"])


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["ra", "wgan_gp"])
def test_two_replicas_give_the_same_for_objectives_of_the_whole_batch(results, objective):
    """Relativistic means are over both replicas; the gradient penalty has the positions of the whole batch."""
    result, single = results[f"{objective}_mirrored"], results[f"{objective}_single"]
    # Rounding differences grow over the steps. Means over one replica would differ by 1 % at the first step.
    np.testing.assert_allclose(result["losses"][:4], single["losses"][:4], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(result["losses"], single["losses"], rtol=5e-2, atol=1e-3)
    assert result["replicas_are_equal"]


@pytest.mark.slow
def test_two_machines_give_the_losses_of_one(tmp_path, results):
    files = [tmp_path / "0.npz", tmp_path / "1.npz"]
    workers = [start_steps("machines", file, environment) for file, environment in zip(files, cluster(2), strict=True)]
    for worker in workers:
        finish(worker)
    first, second = (np.load(file) for file in files)
    assert_equal_runs(first, results["single"])
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


@contextlib.contextmanager
def two_trainings(workdir):
    """Runs train.py on two machines, for longer than the test; both processes are killed at its end."""
    command = [sys.executable, str(ROOT / "train.py"), *FAST, "--set", "pretrain.steps=1000000", "--workdir", workdir]
    trainings = [
        subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for environment in cluster(2)
    ]
    try:
        yield trainings
    finally:
        for training in trainings:
            training.kill()
            training.communicate()


@pytest.mark.slow
def test_the_loss_of_a_machine_stops_the_run_and_both_resume(tmp_path):
    workdir = str(tmp_path / "run")
    with two_trainings(workdir) as (chief, other):
        metrics = tmp_path / "run" / "metrics.jsonl"
        deadline = time.monotonic() + 120
        while not (metrics.exists() and '"step": 8' in metrics.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        other.kill()
        _, errors = chief.communicate(timeout=120)
        assert chief.returncode == 1
        assert "train.py: failed: a machine has left the training" in errors.strip().splitlines()[-1]
    with two_trainings(workdir) as trainings:
        for training in trainings:
            resumed = next(line for line in training.stdout if "resumed at step" in line)
            assert int(resumed.split("resumed at step ")[1].split()[0]) >= 4


def test_batches_are_copied_to_a_single_gpu_ahead_of_the_step(monkeypatch):
    (cpu,) = tf.config.list_logical_devices("CPU")
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: [cpu])  # stands in for a GPU
    batches = tf.data.Dataset.range(5).map(lambda step: (step, 2 * step))
    prefetched = per_replica(tf.distribute.get_strategy(), batches)
    assert prefetched is not batches
    assert [(int(lr), int(hr)) for lr, hr in prefetched] == [(step, 2 * step) for step in range(5)]


def test_each_machine_gets_its_part_in_order():
    """The tests above would pass if two replicas were exchanged."""
    batches = tf.data.Dataset.range(12).batch(6, drop_remainder=True).map(lambda number: (number, 10 * number))
    alone = tf.distribute.get_strategy()
    assert per_replica(alone, batches) is batches
    assert is_chief(alone)

    class ThreeOnTheSecondOfThreeMachines:
        num_replicas_in_sync = 3

        @staticmethod
        def distribute_datasets_from_function(function):
            return function(tf.distribute.InputContext(3, 1, 3))

    parts = list(per_replica(ThreeOnTheSecondOfThreeMachines, batches).as_numpy_iterator())
    assert [part[0].tolist() for part in parts] == [[2, 3], [8, 9]]
    assert [part[1].tolist() for part in parts] == [[20, 30], [80, 90]]


@pytest.mark.parametrize(("choice", "expected"), [("auto", False), ("on", True), ("off", False)])
def test_xla_is_off_on_a_cpu_unless_asked_for(choice, expected):
    assert uses_jit(choice, tf.distribute.get_strategy()) is expected


def test_a_batch_that_the_replicas_do_not_divide_is_refused():
    class Three:
        num_replicas_in_sync = 3

    check_batch(with_settings(presets.tiny(), ["data.batch_size=6", "micro_batches=2"]), Three)
    with pytest.raises(UserError, match=r"batch_size 8 must be a multiple of 3: 3 replicas with micro_batches 1"):
        check_batch(presets.tiny(), Three)
    with pytest.raises(UserError, match="jit=on works on one device, and here are 3 replicas"):
        check_batch(with_settings(presets.tiny(), ["data.batch_size=6", "jit=on"]), Three)
