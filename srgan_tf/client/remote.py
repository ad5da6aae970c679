"""Upscaling by a server: the same `Upscaler` that a network on this machine is."""

import io
import math
import urllib.parse

import numpy as np
from PIL import Image

from srgan_tf.client.rest import RestConnection
from srgan_tf.client.rpc import GrpcConnection
from srgan_tf.errors import UserError
from srgan_tf.inference import UNKNOWN_NETWORK_BYTES, TiledUpscaler
from srgan_tf.pixels import to_float, to_uint8


def connect(server, model, *, version=None, timeout=300.0, attempts=5):
    """A connection to a model on TensorFlow Serving.

    Args:
        server: "http://HOST:8501", "https://...", "grpc://HOST:8500", or "grpcs://..." for gRPC over TLS.
        model: its name on the server.
        version: an int, or None for the one that the server takes.
        timeout: seconds for the answer to one request.
        attempts: how often a request is made to a server that is unreachable or busy, 1 to 5.

    Returns:
        `RestConnection` or `GrpcConnection`, not tried yet.

    Raises:
        UserError: no such address.
    """
    parts = urllib.parse.urlsplit(server)
    if parts.scheme not in ("http", "https", "grpc", "grpcs") or not parts.netloc:
        raise UserError(f"no server {server!r}: expected http://HOST:PORT, https://..., grpc://... or grpcs://...")
    options = {"version": version, "timeout": timeout, "attempts": attempts}
    if parts.scheme.startswith("http"):
        return RestConnection(server.rstrip("/"), model, **options)
    return GrpcConnection(parts.netloc, model, secure=parts.scheme == "grpcs", **options)


class RemoteUpscaler:
    """A generator on a server, applied to the whole of each picture: see `inference.Upscaler`.

    Args:
        connection: from `connect`; asked at once for the model's factor, receptive field and limit.
        name: what reports call it.

    Attributes:
        tile: side of the largest square that the server takes, less the network's reach on both sides; 0 where that
            leaves nothing or the reach is unknown, so that pictures can only be sent whole.

    Raises:
        WorkError: the server does not answer, or serves no model of export.py.
    """

    def __init__(self, connection, name):
        self._connection = connection
        self.name = name
        facts = connection.predict("describe", key=[b"scale", b"receptive_field", b"max_pixels"])
        self.scale, halo, max_pixels = (int(value) for value in facts)
        self.halo = None if halo < 0 else halo
        self.pixel_memory = UNKNOWN_NETWORK_BYTES * self.scale**2
        self.tile = 0 if halo < 0 else max(math.isqrt(max_pixels) - 2 * halo, 0)

    def upscale(self, lr):
        """Enlarges a picture [height, width, 3], uint8 to uint8 or float32 to float32 in [0, 1].

        Colours of 8 bits travel as PNG, in float32 too: what comes back has 8 bits then. All else travels as floats,
        which over REST is text of ten bytes a value.

        Raises:
            WorkError: the server refuses it or does not answer.
        """
        if lr.dtype == np.uint8:
            return self._upscale_encoded(lr)
        levels = to_uint8(lr).numpy()
        gray = np.array_equal(lr, np.repeat(lr[..., :1], 3, axis=2))  # its result becomes a mean, which rounding harms
        if not gray and np.array_equal(to_float(levels), lr):
            return to_float(self._upscale_encoded(levels)).numpy()
        return np.asarray(self._connection.predict("tensor", lr=lr[np.newaxis])[0], np.float32)

    def _upscale_encoded(self, lr):
        encoded = io.BytesIO()
        Image.fromarray(lr).save(encoded, "PNG", compress_level=1)
        (sr_bytes,) = self._connection.predict("serving_default", image_bytes=[encoded.getvalue()])
        return np.asarray(Image.open(io.BytesIO(sr_bytes)))


def remote_upscaler(connection, name):
    """A `TiledUpscaler` of a model on a server: what is larger than the server takes is sent in tiles.

    The tiles have a halo of the network's receptive field, so they join to what the whole picture would give.
    """
    whole = RemoteUpscaler(connection, name)
    return TiledUpscaler(whole, whole.tile)
