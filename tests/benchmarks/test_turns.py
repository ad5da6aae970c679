import io
import re
import sys

import pytest

from benchmarks import on_demand, turns
from srgan_tf.errors import WorkError


def test_every_second_round_is_in_reverse_order():
    calls = []
    steps = {name: lambda name=name: calls.append(name) or float(len(calls)) for name in "abc"}
    assert turns.by_turns(steps, 2) == {"a": [1.0, 6.0], "b": [2.0, 5.0], "c": [3.0, 4.0]}
    assert calls == list("abccba")


def test_one_step_for_each_request(monkeypatch):
    steps, answers = [], io.StringIO()
    monkeypatch.setattr(on_demand, "_step", lambda settings: lambda: steps.append(1))
    on_demand.main({"torch": False}, ["\n", "\n"], answers)
    ready, *seconds = answers.getvalue().splitlines()
    assert ready == "ready"
    assert len(seconds) == 2
    assert all(0 <= float(value) < 1 for value in seconds)
    assert len(steps) == on_demand._WARM_UP + 2


def test_a_version_that_fails_is_named(tmp_path):
    failed = pytest.raises(WorkError, match=f"the steps of {tmp_path} with {sys.executable} failed")
    with failed, turns._process(sys.executable, tmp_path, {}):
        pass


@pytest.mark.soak
def test_a_row_for_each_version(caplog):
    caplog.set_level("INFO")
    sizes = ["--preset", "tiny", "--batch-size", "2", "--hr-patch-size", "32", "--rounds", "2"]
    turns.main([*sizes, "--checkout", "."])
    row = r"^(this checkout|\.) +[\d.]+ +[\d.]+ +([\d.]+)x$"
    ratios = dict(re.findall(row, "\n".join(caplog.messages), re.MULTILINE))
    assert list(ratios) == ["this checkout", "."]
    assert float(ratios["this checkout"]) == 1
