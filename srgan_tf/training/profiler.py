"""A TensorFlow profiler trace of a few steps."""

import pathlib

import tensorflow as tf

# The first steps trace and compile.
_FIRST, _LAST = 10, 20


class Profiler:
    """Traces steps 11 to 20 of a `with` block, or fewer if it ends earlier.

    Args:
        folder: the TensorBoard folder; the profile plugin finds the trace there.
        enabled: if False, nothing is traced.
    """

    def __init__(self, folder, *, enabled):
        self._folder = pathlib.Path(folder)
        self._enabled = enabled
        self._steps = 0
        self._running = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()

    def after_step(self):
        """Counts a step, and starts the trace after step 10 and stops it after step 20."""
        self._steps += 1
        if self._enabled and self._steps == _FIRST:
            tf.profiler.experimental.start(str(self._folder))
            self._running = True
        elif self._steps == _LAST:
            self._stop()

    def _stop(self):
        if self._running:
            self._running = False
            tf.profiler.experimental.stop()
