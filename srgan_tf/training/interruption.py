"""Ctrl-C and SIGTERM while training: the step in hand is finished and saved first."""

import contextlib
import logging
import signal
import threading

_log = logging.getLogger(__name__)


class Interruption:
    """Whether the user or the system has asked the run to end."""

    def __init__(self):
        self.signal = None

    def leave(self):
        """Ends the program as the signal would have, with a shell's exit code: 130 after Ctrl-C, 143 after SIGTERM."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.signal)


@contextlib.contextmanager
def delayed_signals(*, saves=True):
    """Holds SIGINT and SIGTERM back inside the block; a second one acts at once.

    Outside the main thread, where Python takes no signals, nothing changes.

    Args:
        saves: False on a machine that does not write: it waits for the one that does, which has had the signal too if
            the whole training is to end. To leave earlier would take the step away in which that one saves.

    Yields:
        `Interruption`, whose `signal` is the one received, None before.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def receive(number, frame):
        del frame
        if saves:
            interruption.signal = number
        work = "finishing the step and saving" if saves else "the first machine saves and ends the training"
        _log.warning("%s: %s; once more ends at once", signal.Signals(number).name, work)
        restore()

    handlers = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore():
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)

    try:
        yield interruption
    finally:
        restore()
