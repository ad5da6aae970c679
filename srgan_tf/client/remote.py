"""An `Upscaler` whose network runs on a server."""

import io
import urllib.parse

import numpy as np
from PIL import Image

from srgan_tf.client.rest import RestConnection
from srgan_tf.client.rpc import GrpcConnection
from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.images.pictures import open_image
from srgan_tf.inference.upscalers import UNKNOWN_NETWORK_BYTES


def connect(server, model, *, version=None, timeout=300.0, attempts=5):
    """A connection to a model on TensorFlow Serving.

    Args:
        server: "http://HOST:8501", "https://...", "grpc://HOST:8500", or "grpcs://..." for gRPC over TLS.
        model: its name on the server.
        version: an int, or None for the version that the server chooses.
        timeout: seconds for the whole answer to one request, all attempts together.
        attempts: maximum number of attempts if the server is unreachable or busy, 1 to 5.

    Returns:
        `RestConnection` or `GrpcConnection`; nothing has been sent yet.

    Raises:
        UserError: the address is invalid or has a password in it.
    """
    try:
        parts = urllib.parse.urlsplit(server)
        parts.port  # noqa: B018 - checks the number
    except ValueError as error:
        raise UserError(f"the server's address is invalid: {first_line(error)}") from error
    if "@" in server:
        raise UserError("the server's address has a user name or password in it: use a proxy or ~/.netrc instead")
    if parts.scheme not in ("http", "https", "grpc", "grpcs") or not parts.netloc:
        raise UserError(f"no server {server!r}: expected http://HOST:PORT, https://..., grpc://... or grpcs://...")
    options = {"version": version, "timeout": timeout, "attempts": attempts}
    if parts.scheme.startswith("http"):
        return RestConnection(server.rstrip("/"), model, **options)
    return GrpcConnection(parts.netloc, model, secure=parts.scheme == "grpcs", **options)


class RemoteUpscaler:
    """A generator on a server, applied to whole images; an `Upscaler`.

    Args:
        connection: from `connect`; the model's factor, receptive field and limit are requested through it.
        name: name in reports.

    Attributes:
        max_pixels: largest number of LR pixels of a request.

    Raises:
        WorkError: the server does not answer, or its model was not written by `srgan-tf export`.
    """

    def __init__(self, connection, name):
        self._connection = connection
        self.name = name
        facts = connection.predict("describe", key=[b"scale", b"receptive_field", b"max_pixels"])
        self.scale, halo, self.max_pixels = _checked_facts(facts)
        self.halo = None if halo < 0 else halo
        self.bytes_per_pixel = UNKNOWN_NETWORK_BYTES * self.scale**2

    def upscale(self, lr):
        """Enlarges a picture [height, width, 3], uint8 to uint8 or float32 to float32 in [0, 1].

        uint8 is sent as PNG. Floats are sent over REST as text: about 20 bytes per value in the request and 12 in the
        answer.

        Raises:
            WorkError: the picture has more pixels than the server's limit, or the server refuses it or does not answer,
                or the answer has another shape or type.
        """
        height, width = lr.shape[:2]
        if height * width > self.max_pixels:
            raise WorkError(
                f"the server's limit is {self.max_pixels} pixels per request, and a tile has {height}x{width}: "
                "export the model with a larger --max-pixels"
            )
        if lr.dtype != np.uint8:
            return self._checked(lr, self._connection.predict("tensor", lr=lr[np.newaxis]), np.float32)
        encoded = io.BytesIO()
        Image.fromarray(lr).save(encoded, "PNG", compress_level=1)
        answer = self._connection.predict("serving_default", image_bytes=[encoded.getvalue()])
        if len(answer) != 1 or not isinstance(answer[0], bytes):
            raise WorkError("the server's answer is not one encoded image")
        with open_image(io.BytesIO(answer[0]), pillow_limit=False) as (image, _):
            expected = (self.scale * width, self.scale * height)
            if image.size != expected or image.mode != "RGB":  # before anything is decoded
                raise WorkError(f"the server's answer is {image.mode} {image.size}, expected RGB {expected}")
            return np.asarray(image)

    def _checked(self, lr, answer, dtype):
        """The only image of an answer; raises a WorkError if it has another shape or values that are not finite."""
        expected = (1, self.scale * lr.shape[0], self.scale * lr.shape[1], 3)
        try:
            sr = np.asarray(answer, dtype)
        except (ValueError, TypeError) as error:
            raise WorkError(f"the server's answer is not an array: {first_line(error)}") from error
        if sr.shape != expected:
            raise WorkError(f"the server's answer has the shape {sr.shape}, expected {expected}")
        if not np.isfinite(sr).all():
            raise WorkError("the server's answer has values that are not finite")
        return sr[0]


def _checked_facts(facts):
    """Scale, receptive field and pixel limit as integers, from an answer of the signature `describe`."""
    try:
        scale, halo, limit = (int(value) for value in facts)
        plain = [float(value) for value in facts] == [scale, halo, limit]
    except (ValueError, TypeError, OverflowError) as error:
        raise WorkError(f"the server's description of the model is invalid: {first_line(error)}") from error
    if not plain or not (1 <= scale <= 64 and halo >= -1 and limit >= 1):
        raise WorkError(f"the server's description of the model is invalid: {first_line(list(facts))[:200]}")
    return scale, halo, limit
