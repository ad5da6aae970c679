"""Upscaling by a server: the same `upscale` that a network on this machine has."""

import io
import math
import urllib.parse

import numpy as np
from PIL import Image

from srgan_tf.errors import UserError, WorkError
from srgan_tf.tiling import apply_tiled


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
        from srgan_tf.client.rest import RestConnection  # gRPC is slow to import, and REST does without TensorFlow

        return RestConnection(server.rstrip("/"), model, **options)
    from srgan_tf.client.rpc import GrpcConnection

    return GrpcConnection(parts.netloc, model, secure=parts.scheme == "grpcs", **options)


class RemoteUpscaler:
    """A generator on a server. What is larger than the server takes is sent in tiles, with the network's halo.

    Args:
        connection: from `connect`; asked at once for the model's factor, receptive field and limit.
        name: what reports call it.

    Raises:
        WorkError: the server does not answer, or serves no model of export.py.
    """

    def __init__(self, connection, name):
        self._connection = connection
        self.name = name
        facts = connection.predict("describe", key=[b"scale", b"receptive_field", b"max_pixels"])
        self.scale, self._halo, self._max_pixels = (int(value) for value in facts)

    def upscale(self, lr):
        """Enlarges a uint8 [height, width, 3] picture to uint8 [scale * height, scale * width, 3].

        Raises:
            WorkError: the server refuses it, or it is too large for a network that cannot work in tiles.
        """
        if lr.shape[0] * lr.shape[1] <= self._max_pixels:
            return self._request(lr)
        tile = math.isqrt(self._max_pixels) - 2 * self._halo
        if self._halo < 0 or tile < 1:
            raise WorkError(
                f"{lr.shape[1]}x{lr.shape[0]} pixels are more than the {self._max_pixels} of the server's limit, "
                "which leaves no room for tiles of this network"
            )
        return apply_tiled(self._request, lr, scale=self.scale, tile=tile, halo=self._halo)

    def _request(self, lr):
        encoded = io.BytesIO()
        Image.fromarray(lr).save(encoded, "PNG", compress_level=1)
        (sr_bytes,) = self._connection.predict("serving_default", image_bytes=[encoded.getvalue()])
        return np.asarray(Image.open(io.BytesIO(sr_bytes)))
