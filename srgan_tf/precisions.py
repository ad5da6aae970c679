"""Names of the precisions that networks compute in. Importing this imports neither TensorFlow nor Keras."""

PRECISIONS = ("float32", "bfloat16", "float16")
# bfloat16 where the device is faster in it, else float32: see `hardware.resolve_precision`.
AUTO = "auto"
CHOICES = (AUTO, *PRECISIONS)
