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
def delayed_signals():
    """Holds SIGINT and SIGTERM back inside the block; a second one acts at once.

    Outside the main thread, where Python takes no signals, nothing changes.

    Yields:
        `Interruption`, whose `signal` is the one received, None before.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def receive(number, frame):
        del frame
        interruption.signal = number
        _log.warning("%s: finishing the step and saving; once more ends at once", signal.Signals(number).name)
        restore()

    handlers = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore():
        for number, handler in handlers.items():
            signal.signal(number, handler)

    try:
        yield interruption
    finally:
        restore()
