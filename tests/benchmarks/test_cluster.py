"""Speed and memory of upscaling on a cluster. The second test needs two cores for itself."""

import re
import subprocess
import sys

import pytest
from support.samples import ROOT

pytest.importorskip("ray")
pytestmark = pytest.mark.soak


def measured(pattern, *arguments):
    """Numbers that a pattern finds in the output of the benchmark."""
    command = [sys.executable, "-m", "benchmarks", "cluster", *map(str, arguments)]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [float(number) for number in re.search(pattern, output).groups()]


def test_the_memory_of_the_driver_does_not_grow_with_the_number_of_pictures():
    a_tenth, all_of_them = measured(
        r"peak memory ([\d.]+) MiB after a tenth, ([\d.]+) MiB after all", "--jobs", 100_000
    )
    assert all_of_them - a_tenth < 16


def test_two_nodes_are_nearly_twice_as_fast_as_one():
    (times,) = measured(r"2 nodes: [\d.]+ pictures/s, ([\d.]+) times the first; results equal", "--pictures", 400)
    assert times >= 1.7
