"""Exporting a generator: a SavedModel for TensorFlow Serving with what belongs beside it, ONNX, LiteRT."""
