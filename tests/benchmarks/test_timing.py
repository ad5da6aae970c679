import time

import pytest

from benchmarks.timing import call_seconds, calls_per_second, median_seconds


def test_functions_take_turns_after_their_warm_up():
    calls = []
    seconds = call_seconds({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3, warm_up=1)
    assert "".join(calls) == "ab" + "ababab"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_the_median_leaves_out_the_warm_up_and_a_slow_call():
    waits = iter([0.3, 0.3, 0.02, 0.3, 0.02])
    assert 0.02 <= median_seconds(lambda: time.sleep(next(waits)), 3) < 0.2


def test_calls_per_second():
    assert calls_per_second(lambda: time.sleep(0.01), 0.1, warm_up=1) == pytest.approx(90, abs=30)
