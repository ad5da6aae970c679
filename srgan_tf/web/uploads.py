"""Receives an upload into a file, within its limits, and notices a client that leaves."""

import asyncio

from starlette.exceptions import HTTPException

_DRAINED = 16 << 20  # bytes of a refused upload that are read, so that the client gets to read the reason


async def receive_file(request, path, limits):
    """Writes the body of a request to a file.

    Args:
        request: a `starlette.requests.Request`.
        path: the file.
        limits: a `Limits`.

    Raises:
        HTTPException: the body is empty (400), too large (413), or stops arriving (408), or the disk is full
            (507).
        ConnectionError: the client has left.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body:
        await drain(request, limits)
        raise _too_large(limits)
    try:
        received = await _receive(request, path, limits)
    except ConnectionError:
        raise
    except OSError as error:  # a full disk
        raise HTTPException(507, f"cannot store the picture: {error.strerror}") from error
    if not received:
        raise HTTPException(400, "the body is empty: send a picture, as with curl --data-binary @photo.jpg")


async def _receive(request, path, limits):
    """Writes the body to a file; returns its number of bytes."""
    received = 0
    with open(path, "wb") as file:
        async for part, is_last in _parts(request, limits):
            received += len(part)
            if received > limits.body:
                if not is_last:
                    await drain(request, limits)
                raise _too_large(limits)
            file.write(part)
    return received


async def drain(request, limits):
    """Reads a part of a body that nobody wants: clients that write before they read would not see the answer."""
    received = 0
    try:
        async with asyncio.timeout(3):
            async for part, _ in _parts(request, limits):
                received += len(part)
                if received > _DRAINED:
                    return
    except (TimeoutError, HTTPException, ConnectionError):
        return


async def _parts(request, limits):
    """Yields the parts of a body, and whether each is the last one."""
    while True:
        try:
            message = await asyncio.wait_for(request.receive(), limits.silence)
        except TimeoutError:
            raise HTTPException(408, f"no data came for {limits.silence:g} seconds") from None
        if message["type"] == "http.disconnect":
            raise ConnectionError
        is_last = not message.get("more_body")
        yield message.get("body", b""), is_last
        if is_last:
            return


def _too_large(limits):
    return HTTPException(413, f"the body is larger than {limits.body / 2**20:g} MiB")


async def wait_until_gone(receive):
    """Returns when the client has closed its connection; the body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
