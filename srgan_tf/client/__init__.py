"""A client of TensorFlow Serving for exported models."""
