"""A server that speaks TensorFlow Serving's gRPC and REST predict calls on loopback, over what its loader loads.

It follows https://www.tensorflow.org/tfx/serving/api_rest: `inputs` in columns, `instances` in rows; outputs whose name
ends in `_bytes` are base64; 400 for what the model refuses, 404 for another model.
"""

import base64
import concurrent.futures
import contextlib
import http.server
import json
import re
import threading

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from support.serving_v1 import ServedModel


class TestServer:
    """Serves one SavedModel under one name.

    Attributes:
        model: the `ServedModel`.
        rest, grpc: addresses.
        failures_ahead: how many of the next calls are answered as by a server that is overloaded.
    """

    __test__ = False  # no test, whatever its name

    def __init__(self, folder, name):
        self.model = ServedModel(folder)
        self.name = name
        self.failures_ahead = 0
        self._lock = threading.Lock()

    def predict(self, name, signature, inputs):
        if name != self.name:
            raise LookupError(f"Servable not found for request: Latest({name})")
        definition = self.model.signatures.get(signature)
        if definition is None or set(inputs) != set(definition.inputs):
            raise ValueError(f"no signature {signature} of inputs {[*inputs]}")
        return self.model(signature, **inputs)

    def is_overloaded(self):
        with self._lock:
            self.failures_ahead -= 1
            return self.failures_ahead >= 0


class _Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, server):
        self._server = server

    def Predict(self, request, context):  # noqa: N802 - the service's name
        if self._server.is_overloaded():
            context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        spec = request.model_spec
        try:
            outputs = self._server.predict(spec.name, spec.signature_name or "serving_default", inputs)
        except LookupError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        except (ValueError, tf.errors.InvalidArgumentError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, getattr(error, "message", str(error)))
        tensors = {name: tf.make_tensor_proto(value) for name, value in outputs.items()}
        return predict_pb2.PredictResponse(outputs=tensors, model_spec=spec)


def _rest_handler(server):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = (503, {"error": "try again"}) if server.is_overloaded() else self._predict(body)
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def _predict(self, body):
            name = re.fullmatch(r"/v1/models/([^/]+)(?:/versions/\d+)?:predict", self.path)
            signature = body.get("signature_name", "serving_default")
            try:
                definition = server.model.signatures[signature]
                outputs = server.predict(name and name[1], signature, _from_json(definition, body))
            except LookupError as error:
                return 404, {"error": str(error)}
            except (ValueError, tf.errors.InvalidArgumentError) as error:
                return 400, {"error": getattr(error, "message", str(error))}
            values = {name: _to_json(name, value) for name, value in outputs.items()}
            only = next(iter(values.values()))  # the signatures here have one output each
            return 200, {"predictions": only} if "instances" in body else {"outputs": only}

        def log_message(self, *arguments):
            pass

    return Handler


def _from_json(definition, body):
    values = body.get("instances", body.get("inputs"))
    if "instances" in body and isinstance(values[0], dict) and "b64" not in values[0]:  # rows that name their inputs
        values = {name: [row[name] for row in values] for name in values[0]}
    if not isinstance(values, dict) or "b64" in values:  # a model of one input needs no name
        values = {next(iter(definition.inputs)): values}
    arrays = {}
    for name, value in values.items():
        dtype = tf.as_dtype(definition.inputs[name].dtype)
        if dtype == tf.string:
            value = [base64.b64decode(item["b64"]) if isinstance(item, dict) else item.encode() for item in value]
        arrays[name] = np.asarray(value, dtype.as_numpy_dtype)
    return arrays


def _to_json(name, value):
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(item).decode()} for item in value]
    return value.tolist()


@contextlib.contextmanager
def serve(folder, name):
    """Starts both services on free ports of loopback, and stops them when the block ends."""
    server = TestServer(folder, name)
    with concurrent.futures.ThreadPoolExecutor(8) as workers:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        rpc = grpc.server(workers, options=unlimited)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Service(server), rpc)
        server.grpc = f"grpc://127.0.0.1:{rpc.add_insecure_port('127.0.0.1:0')}"
        rpc.start()
        rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _rest_handler(server))
        rest.daemon_threads = True
        server.rest = f"http://127.0.0.1:{rest.server_port}"
        listener = threading.Thread(target=rest.serve_forever, kwargs={"poll_interval": 0.05})
        listener.start()
        try:
            yield server
        finally:
            rest.shutdown()
            rest.server_close()
            listener.join()
            rpc.stop(None).wait()
