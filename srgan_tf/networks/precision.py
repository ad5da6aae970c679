"""The numeric precision that a network is built under."""

import contextlib

import keras

# Weights are float32 in each; only the arithmetic between the first and the last layer changes.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@contextlib.contextmanager
def precision_scope(precision):
    """Builds the Keras layers made inside `with` under a precision, and restores the caller's default after it.

    A global policy would leak into VGG19 and into the EMA copy, which are to stay float32.

    Args:
        precision: "float32", "bfloat16" or "float16".
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def as_float32(model):
    """The same functional network with the same weights, in float32 throughout."""

    def rebuild(layer):
        if not isinstance(layer, keras.Layer):  # an operation such as depth_to_space computes in its input's dtype
            return layer.from_config(layer.get_config())
        return layer.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=rebuild)
    copy.set_weights(model.get_weights())
    return copy
