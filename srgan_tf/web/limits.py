"""What the server accepts, and for how long it keeps results."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Limits of the server.

    Attributes:
        body: bytes of an upload.
        pixels: of an uploaded image; larger ones are refused before they are decoded.
        result_pixels: of a result.
        waiting: number of images that wait or are being received; more get the status 429.
        kept: seconds for which a result can be downloaded.
        stored: bytes of all results on disk; the oldest are deleted first.
        silence: seconds without data after which an upload is given up.
        stopping: seconds that the worker has to end a job that nobody waits for; then it is killed.
    """

    body: int = 64 << 20
    pixels: int = 50_000_000
    result_pixels: int = 250_000_000
    waiting: int = 8
    kept: float = 1800.0
    stored: int = 4 << 30
    silence: float = 30.0
    stopping: float = 60.0
