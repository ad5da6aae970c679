"""The two errors that the scripts report in one line, without a traceback."""


class UserError(ValueError):
    """What the user asked for cannot be done: a wrong setting, path, picture folder or model. Exit code 2."""


class WorkError(RuntimeError):
    """The work began and could not be finished: a damaged picture, a diverged training. Exit code 1."""


def first_line(error):
    """The first line of an exception's message, or its type where there is none: what a one-line report quotes."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
