"""The connection to a Ray cluster."""

import contextlib
import logging
import os
import re
import socket

from srgan_tf.errors import UserError, first_line, missing_extra

_REACH = 10.0  # seconds for a connection to the head


@contextlib.contextmanager
def connected(address):
    """Connects to a Ray cluster, or starts one on this machine for the time of the block; yields the module `ray`.

    Args:
        address: "local", "auto" for the cluster that this machine belongs to, or HOST:PORT of its head.

    Raises:
        UserError: Ray is not installed, or there is no such cluster.
    """
    if address not in ("local", "auto"):
        _require_reachable(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no packet leaves the cluster
    try:
        import ray
    except ImportError as error:
        raise missing_extra("--cluster", "cluster", error) from error
    own = {"include_dashboard": False, "object_store_memory": 128 << 20} if address == "local" else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
        raise UserError(f"no Ray cluster at {address!r}: {first_line(error)}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_reachable(address):
    """Raises a UserError unless something listens at HOST:PORT, for which Ray would wait more than a minute."""
    match = re.fullmatch(r"\[?([\w.:-]+?)\]?:(\d{1,5})", address)
    if match is None:
        raise UserError(
            f"--cluster takes local, auto or HOST:PORT (received {address!r}): run the command on a node of the cluster"
        )
    try:
        socket.create_connection((match[1], int(match[2])), timeout=_REACH).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster at {address!r}: {first_line(error)}") from error
