"""A client of TensorFlow Serving for the models that export.py writes: `python -m srgan_tf.client`."""
