"""Progress of long work on pictures."""

import logging
import sys
import time

import tqdm

_REPORT_SECONDS = 5

_log = logging.getLogger(__name__)


def with_progress(items, total, text):
    """Yields items and shows progress: a bar if stderr is a terminal, otherwise a log line every five seconds.

    Args:
        items: iterable.
        total: number of items.
        text: text before the numbers, such as "photos: decoded".

    Yields:
        The items.
    """
    if sys.stderr.isatty():
        yield from tqdm.tqdm(items, text, total, unit=" pictures", dynamic_ncols=True)
        return
    reported = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - reported > _REPORT_SECONDS:
            reported = time.monotonic()
            _log.info("%s %d of %d pictures", text, count, total)
