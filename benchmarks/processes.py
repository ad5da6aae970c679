"""Runs a function in a process of its own: without earlier compilations, caches and allocations."""

import multiprocessing

from srgan_tf.commands import cli
from srgan_tf.errors import WorkError, first_line


def in_process(function, *arguments, timeout=None):
    """A function's result from a new process.

    Args:
        function: a function of a module; its arguments and its result must be picklable.
        *arguments: of the function.
        timeout: seconds after which the process is ended; None for no limit.

    Raises:
        WorkError: the function raised an error, the process died, or the time was over.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(theirs, function, arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(timeout):
            raise WorkError(f"not done after {timeout:.0f} s")
        failed, result = ours.recv()
    except EOFError:
        process.join()
        raise WorkError(f"its process died with exit code {process.exitcode}") from None
    finally:
        process.kill()
        process.join()
    if failed:
        raise WorkError(result)
    return result


def _call(connection, function, arguments):
    cli.quiet_tensorflow()
    try:
        message = False, function(*arguments)
    except Exception as error:  # reported as one row of a table; the other rows are measured
        message = True, f"{type(error).__name__}: {first_line(error)[:300]}"
    connection.send(message)
