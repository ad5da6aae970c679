"""Limits of the operating system, as context managers."""

import contextlib
import resource


@contextlib.contextmanager
def files_of_at_most(size):
    """Writes beyond `size` bytes of a file fail with EFBIG, as those on a full disk do with ENOSPC."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
