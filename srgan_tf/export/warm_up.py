"""Warm-up requests, which TensorFlow Serving replays before a version accepts traffic."""

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

FILE = "tf_serving_warmup_requests"  # the name that TensorFlow Serving looks for in assets.extra
SIZES = ((64, 64), (128, 128), (256, 256))


def write_requests(path, sizes):
    """Writes a request of each signature at each size, as a TFRecord of `PredictionLog`.

    Args:
        path: the file.
        sizes: list of (height, width).
    """
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in sizes:
            picture = tf.io.encode_png(tf.fill((*size, 3), tf.constant(128, tf.uint8)))
            # One value for all pixels keeps the file small.
            writer.write(_log("serving_default", "image_bytes", tf.make_tensor_proto([picture.numpy()])))
            writer.write(_log("tensor", "lr", tf.make_tensor_proto(0.5, tf.float32, (1, *size, 3))))
            writer.write(_log("tensor_uint8", "lr", tf.make_tensor_proto(128, tf.uint8, (1, *size, 3))))
        writer.write(_log("describe", "key", tf.make_tensor_proto(["scale"])))


def _log(signature, name, tensor):
    request = predict_pb2.PredictRequest(inputs={name: tensor})
    request.model_spec.signature_name = signature
    log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
    return log.SerializeToString()
