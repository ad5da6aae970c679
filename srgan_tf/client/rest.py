"""TensorFlow Serving's REST predict call."""

import base64
import json
import threading
import time

import numpy as np
import requests
import urllib3

from srgan_tf.errors import WorkError, first_line, joined_lines

# "Too many requests", and the codes of a proxy or server that starts, stops or is overloaded.
_RETRIED = (429, 502, 503, 504)
_LARGEST_ANSWER = 2**31 - 1  # bytes, as over gRPC
_CHUNK = 1 << 20


class RestConnection:
    """Calls signatures of one model over HTTP.

    Args:
        server: "http://HOST:PORT" or "https://HOST:PORT".
        model: the model's name on the server.
        version: an int, or None for the version that the server chooses.
        timeout: seconds for the whole answer, all attempts together.
        attempts: maximum number of attempts if the server is unreachable or busy, with growing pauses.
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
            allowed_methods=None,  # a prediction changes nothing, so a POST may be repeated
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
            WorkError: the server refuses the request, cannot be reached, does not answer in time, or its answer is not
                valid.
        """
        body = {
            "signature_name": signature,
            # In rows: the server indents answers in columns, which takes four times as many bytes.
            "instances": [
                dict(zip(inputs, row, strict=True)) for row in zip(*map(_to_json, inputs.values()), strict=True)
            ],
        }
        try:
            status, content = self._post(body)
            answer = json.loads(content)
            if status != requests.codes.ok:
                raise WorkError(f"the server refuses the request: {joined_lines(answer['error'])}")
            return _from_json(answer["predictions"])
        except (requests.RequestException, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise WorkError(f"no answer of TensorFlow Serving at {self._url}: {first_line(error)}") from error

    def _post(self, body):
        """Sends a request in a thread, so that the timeout holds for the whole answer.

        The timeout of `requests` is for each read from the socket: a server that sends a byte now and then never
        exceeds it.

        Returns:
            (HTTP status, content in bytes).
        """
        deadline = time.monotonic() + self._timeout
        result = []

        def post():
            try:
                result.append(self._receive(body, deadline))
            except Exception as error:  # raised again below, in the caller's thread
                result.append(error)

        thread = threading.Thread(target=post, daemon=True)  # a daemon does not keep the process alive
        thread.start()
        thread.join(max(0.0, deadline - time.monotonic()))
        if not result:
            raise requests.Timeout(f"not complete after {self._timeout:g} s")
        if isinstance(result[0], Exception):
            raise result[0]
        return result[0]

    def _receive(self, body, deadline):
        content = bytearray()
        with self._session.post(self._url, json=body, timeout=self._timeout, stream=True) as response:
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > _LARGEST_ANSWER:
                    raise requests.RequestException(f"more than {_LARGEST_ANSWER} bytes")
                if time.monotonic() > deadline:
                    break
        return response.status_code, bytes(content)


def _to_json(values):
    if isinstance(values, np.ndarray):
        return values.tolist()
    return [{"b64": base64.b64encode(value).decode()} for value in values]


def _from_json(values):
    if isinstance(values[0], dict):
        return [base64.b64decode(value["b64"]) for value in values]
    return np.asarray(values)
