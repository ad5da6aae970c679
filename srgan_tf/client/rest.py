"""TensorFlow Serving's REST predict call."""

import base64

import numpy as np
import requests
import urllib3

from srgan_tf.errors import WorkError, first_line

# Too many requests, and what a proxy or a server says while it starts, stops or is overloaded.
_RETRIED = (429, 502, 503, 504)


class RestConnection:
    """Calls signatures of one model over HTTP.

    Args:
        server: "http://HOST:PORT" or "https://HOST:PORT".
        model: the model's name on the server.
        version: an int, or None for the one that the server takes.
        timeout: seconds for an answer.
        attempts: how often a call is made that finds the server unreachable or busy, with growing pauses.
    """

    def __init__(self, server, model, *, version=None, timeout=300.0, attempts=5):
        versions = "" if version is None else f"/versions/{version}"
        self._url = f"{server}/v1/models/{model}{versions}:predict"
        self._timeout = timeout
        self._session = requests.Session()
        retry = urllib3.Retry(
            total=attempts - 1,
            backoff_factor=0.5,
            status_forcelist=_RETRIED,
            allowed_methods=None,  # a prediction changes nothing: a POST may be repeated too
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(max_retries=retry))

    def predict(self, signature, **inputs):
        """Calls a signature of one output.

        Args:
            signature: its name.
            **inputs: arrays, or lists of bytes.

        Returns:
            The output: an array, or a list of bytes.

        Raises:
            WorkError: the server refuses the request or cannot be reached.
        """
        body = {
            "signature_name": signature,
            # Rows, since the server indents what it answers in columns: four times as many bytes.
            "instances": [
                dict(zip(inputs, row, strict=True)) for row in zip(*map(_to_json, inputs.values()), strict=True)
            ],
        }
        try:
            response = self._session.post(self._url, json=body, timeout=self._timeout)
            answer = response.json()
            if response.status_code != requests.codes.ok:
                raise WorkError(f"the server refuses the request: {answer['error']}")
            return _from_json(answer["predictions"])
        except (requests.RequestException, LookupError, TypeError) as error:
            raise WorkError(f"no answer of TensorFlow Serving at {self._url}: {first_line(error)}") from error


def _to_json(values):
    if isinstance(values, np.ndarray):
        return values.tolist()
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _from_json(values):
    if isinstance(values[0], dict):
        return [base64.b64decode(value["b64"]) for value in values]
    return np.asarray(values)
