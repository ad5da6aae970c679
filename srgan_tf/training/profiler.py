"""A TensorFlow profiler trace of a few steps."""

import pathlib

import tensorflow as tf

# The first steps trace and compile.
_FIRST, _LAST = 10, 20


class Profiler:
    """Traces steps 11 to 20 of this process.

    Args:
        folder: where TensorBoard's profile plugin looks for it.
        enabled: False: nothing happens.
    """

    def __init__(self, folder, *, enabled):
        self._folder = pathlib.Path(folder)
        self._enabled = enabled
        self._steps = 0

    def after_step(self):
        """Counts a step, and starts or stops the trace when it is time."""
        self._steps += 1
        if self._enabled and self._steps == _FIRST:
            tf.profiler.experimental.start(str(self._folder))
        elif self._enabled and self._steps == _LAST:
            tf.profiler.experimental.stop()
