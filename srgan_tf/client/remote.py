"""Upscaling by a server: the same `Upscaler` that a network on this machine is."""

import io
import urllib.parse

import numpy as np
from PIL import Image

from srgan_tf.client.rest import RestConnection
from srgan_tf.client.rpc import GrpcConnection
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.pictures import open_image
from srgan_tf.inference.upscalers import UNKNOWN_NETWORK_BYTES, TiledUpscaler


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
        max_pixels: of a picture, LR, that the server takes.

    Raises:
        WorkError: the server does not answer, or serves no model of export.py.
    """

    def __init__(self, connection, name):
        self._connection = connection
        self.name = name
        facts = connection.predict("describe", key=[b"scale", b"receptive_field", b"max_pixels"])
        self.scale, halo, self.max_pixels = (int(value) for value in facts)
        self.halo = None if halo < 0 else halo
        self.bytes_per_pixel = UNKNOWN_NETWORK_BYTES * self.scale**2

    def upscale(self, lr):
        """Enlarges a picture [height, width, 3], uint8 to uint8 or float32 to float32 in [0, 1].

        uint8 travels as PNG; floats, over REST, as text of about twenty bytes a value, and twelve in the answer.

        Raises:
            WorkError: it has more pixels than the server takes, or the server refuses it or does not answer.
        """
        height, width = lr.shape[:2]
        if height * width > self.max_pixels:
            raise WorkError(
                f"the server takes {self.max_pixels} pixels at once, and a tile has {height}x{width}: "
                "export the model with a larger --max-pixels"
            )
        if lr.dtype != np.uint8:
            return np.asarray(self._connection.predict("tensor", lr=lr[np.newaxis])[0], np.float32)
        encoded = io.BytesIO()
        Image.fromarray(lr).save(encoded, "PNG", compress_level=1)
        (sr_bytes,) = self._connection.predict("serving_default", image_bytes=[encoded.getvalue()])
        with open_image(io.BytesIO(sr_bytes), pillow_limit=False) as (image, _):
            return np.asarray(image)


def remote_upscaler(connection, name):
    """A `TiledUpscaler` of a model on a server: what is larger than the server takes is sent in tiles.

    They are the tiles that a network on this machine would get, the server's limit in place of the free memory.
    """
    whole = RemoteUpscaler(connection, name)
    return TiledUpscaler(whole, most_pixels=whole.max_pixels)
