"""Graphs of training steps, compiled by XLA where that is asked for and possible."""

import logging

import tensorflow as tf

from srgan_tf.errors import first_line

_log = logging.getLogger(__name__)

# An operation that XLA does not have, a bug of the compiler, a library or program that it does not find.
_FAILURES = (
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.InvalidArgumentError,
    tf.errors.NotFoundError,
    tf.errors.UnimplementedError,
)


def compiled(function, *, jit):
    """A `tf.function`; without XLA if XLA cannot compile it, which one line reports.

    XLA compiles at the first call, before the function has changed a variable. Later errors are those of its work.

    Args:
        function: of tensors.
        jit: compile with XLA.

    Returns:
        Function with the same arguments and results.
    """
    plain = tf.function(function)
    if not jit:
        return plain
    chosen, fast = None, tf.function(function, jit_compile=True)

    def call(*arguments):
        nonlocal chosen
        if chosen is None:
            try:
                result = fast(*arguments)
            except _FAILURES as error:
                _log.warning("XLA cannot compile the training step, so it runs without: %s", first_line(error)[:200])
                chosen = plain
            else:
                chosen = fast
                return result
        return chosen(*arguments)

    return call
