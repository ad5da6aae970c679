"""TensorFlow Serving's PredictionService over gRPC."""

import json

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from srgan_tf.errors import WorkError, first_line, joined_lines

_LARGEST_MESSAGE = 2**31 - 1  # the server's own limit; a client's default is 4 MiB


class GrpcConnection:
    """Calls signatures of one model over gRPC.

    Args:
        address: "HOST:PORT".
        model: the model's name on the server.
        version: an int, or None for the version that the server chooses.
        timeout: seconds for the whole answer, all attempts together.
        attempts: maximum number of attempts if the server is unreachable, with growing pauses.
        secure: whether the connection is TLS.
    """

    def __init__(self, address, model, *, version=None, timeout=300.0, attempts=5, secure=False):
        self._address = address
        self._model = model
        self._version = version
        self._timeout = timeout
        policy = {
            "maxAttempts": attempts,  # at most five in gRPC
            "initialBackoff": "0.5s",
            "maxBackoff": "8s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        options = [
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
            ("grpc.per_rpc_retry_buffer_size", _LARGEST_MESSAGE),  # larger requests are not retried
        ]
        if attempts > 1:
            options.append(
                ("grpc.service_config", json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]}))
            )
        if secure:
            channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(), options)
        else:
            channel = grpc.insecure_channel(address, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def predict(self, signature, **inputs):
        """Calls a signature of one output; see `RestConnection.predict`."""
        tensors = {name: tf.make_tensor_proto(values) for name, values in inputs.items()}
        request = predict_pb2.PredictRequest(inputs=tensors)
        request.model_spec.name = self._model
        request.model_spec.signature_name = signature
        if self._version is not None:
            request.model_spec.version.value = self._version
        try:
            response = self._stub.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            if error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise WorkError(
                    f"no answer of TensorFlow Serving at {self._address}: {joined_lines(error.details())}"
                ) from error
            raise WorkError(f"the server refuses the request: {joined_lines(error.details())}") from error
        try:
            (output,) = response.outputs.values()
            values = tf.make_ndarray(output)
            return list(values) if output.dtype == tf.string.as_datatype_enum else values
        except Exception as error:  # TensorFlow raises various exceptions on invalid tensors
            raise WorkError(f"the server's answer is not a tensor: {first_line(error)}") from error
