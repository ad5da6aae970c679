"""A TensorFlow profiler trace of a few steps."""

import pathlib

import tensorflow as tf

# The first steps trace and compile.
_FIRST, _LAST = 10, 20


class Profiler:
    """Traces steps 11 to 20 of those made inside a `with` block, or as many of them as there are.

    Args:
        folder: where TensorBoard's profile plugin looks for it.
        enabled: False: nothing happens.
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
        """Counts a step, and starts or stops the trace when it is time."""
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
