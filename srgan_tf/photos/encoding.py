"""Encodes and writes finished images in threads, while the network works on the next ones."""

import os
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from srgan_tf.photos.upscale import write_enlarged

_MOST_THREADS = 4
_IN_MEMORY = 64 << 20  # bytes of the largest image that is kept in memory until a thread writes it


class Encoders:
    """Threads that write images; a context manager that waits for them, or after an error drops what has not begun.

    Args:
        threads: their number; 0: images are written by the caller. None: as many as the machine has cores, at most 4.

    Attributes:
        most: how many images may wait, besides large ones, which never do.
    """

    def __init__(self, threads=None):
        threads = min(_MOST_THREADS, os.cpu_count() or 1) if threads is None else threads
        self.most = threads + 1
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encoder") if threads else None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=kind is not None)

    def write(self, path, enlarged, metadata, **options):
        """Finishes an image and writes it. A large one is written here, stripe by stripe, while it is made.

        Args:
            path: the file.
            enlarged: `photos.upscale.Enlarged`.
            metadata: see `Photo`.
            **options: see `write_photo`.

        Returns:
            Future; its exception is the `WorkError` or `MemoryError` of a file that could not be written.

        Raises:
            WorkError: the image could not be made.
            MemoryError: the same.
        """
        if self._pool is not None and enlarged.nbytes <= _IN_MEMORY:
            enlarged = enlarged._replace(stripes=[np.concatenate(list(enlarged.stripes))])
            return self._pool.submit(write_enlarged, path, enlarged, metadata, **options)
        write_enlarged(path, enlarged, metadata, **options)
        return finished()


def finished():
    """A future without more work."""
    future = Future()
    future.set_result(None)
    return future
