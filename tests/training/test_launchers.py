"""The scripts of docs/TRAINING.md that set TF_CONFIG on Slurm and Kubernetes, with stand-ins for other programs."""

import json
import os
import re
import subprocess

import pytest
from support.samples import ROOT

STAND_INS = {
    "srun": 'for SLURM_NODEID in 0 1; do export SLURM_NODEID; "$@" || exit 1; done',
    "scontrol": '[ "$*" = "show hostnames node[7-8]" ] && printf "node7\\nnode8\\n"',
    "srgan-tf": 'echo "$TF_CONFIG"; [ "$1" = train ]',
}


@pytest.fixture
def run(tmp_path):
    """Function (number of the script on the page, variables) -> the values of TF_CONFIG that training gets."""
    for name, script in STAND_INS.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)

    def start(number, **variables):
        script = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "TRAINING.md").read_text(), re.DOTALL)[number]
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        output = subprocess.run(
            ["bash", "-c", script], env={"PATH": path, **variables}, capture_output=True, text=True, check=True
        )
        return [json.loads(line) for line in output.stdout.splitlines()]

    return start


def config(hosts, index):
    return {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}


def test_slurm(run):
    hosts = ["node7:12345", "node8:12345"]
    assert run(0, SLURM_JOB_NODELIST="node[7-8]") == [config(hosts, 0), config(hosts, 1)]


def test_kubernetes(run):
    hosts = ["srgan-0.srgan:12345", "srgan-1.srgan:12345", "srgan-2.srgan:12345"]
    assert run(1, NODES="3", JOB_COMPLETION_INDEX="2") == [config(hosts, 2)]
