"""Waiting for other processes and threads."""

import time


def wait_until(condition, seconds=10):
    """Waits until a function returns a true value, and returns it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.01)
    return value
