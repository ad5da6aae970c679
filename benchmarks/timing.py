"""Timing of calls: warm-up, repeats, medians."""

import statistics
import timeit


def call_seconds(functions, repeats, *, warm_up=2):
    """Seconds of single calls. Functions take turns, so that other load on the machine slows all of them alike.

    Args:
        functions: dictionary from names to functions of no arguments. A function must return when its work is done.
        repeats: timed calls of each.
        warm_up: calls before them, which compile and fill caches.

    Returns:
        Dictionary from names to lists of `repeats` seconds.
    """
    for function in functions.values():
        for _ in range(warm_up):
            function()
    timers = {name: timeit.Timer(function) for name, function in functions.items()}
    seconds = {name: [] for name in functions}
    for _ in range(repeats):
        for name, timer in timers.items():
            seconds[name].append(timer.timeit(1))
    return seconds


def median_seconds(function, repeats, *, warm_up=2):
    """Median seconds of a call; arguments as for `call_seconds`."""
    return statistics.median(call_seconds({"": function}, repeats, warm_up=warm_up)[""])


def calls_per_second(function, seconds, *, repeats=3, warm_up=4):
    """Calls per second of a function that is fast: the median over some intervals.

    Args:
        function: of no arguments.
        seconds: length of each interval.
        repeats: intervals.
        warm_up: calls before them.
    """
    for _ in range(warm_up):
        function()
    rates = []
    for _ in range(repeats):
        calls, begun = 0, timeit.default_timer()
        while (elapsed := timeit.default_timer() - begun) < seconds:
            function()
            calls += 1
        rates.append(calls / elapsed)
    return statistics.median(rates)
