"""Ctrl-C and SIGTERM during training: the current step is finished and saved first."""

import contextlib
import logging
import signal
import threading

_log = logging.getLogger(__name__)


class Interruption:
    """The signal that asked the run to end, if there was one."""

    def __init__(self):
        self.signal = None

    def leave(self):
        """Ends the program like the signal itself, with a shell's exit code: 130 after Ctrl-C, 143 after SIGTERM."""
        if self.signal == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + self.signal)


@contextlib.contextmanager
def delayed_signals(*, saves=True):
    """Delays SIGINT and SIGTERM inside the block; a second signal acts at once.

    Does nothing outside the main thread, where Python receives no signals.

    Args:
        saves: False on a machine that does not write. It continues until the first machine has saved and ends the
            training, because that machine needs the others for its last step.

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
        _log.warning("%s: %s; send it again to end at once", signal.Signals(number).name, work)
        restore()

    handlers = {number: signal.signal(number, receive) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore():
        for number, handler in handlers.items():
            signal.signal(number, handler or signal.SIG_DFL)

    try:
        yield interruption
    finally:
        restore()
