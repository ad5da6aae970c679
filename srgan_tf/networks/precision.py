"""Numeric precision of networks: dtype policies and conversion to float32."""

import contextlib

import keras

# Weights are float32 under each policy; only the computation between the first and the last layer changes.
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@contextlib.contextmanager
def precision_scope(precision):
    """Context manager: Keras layers created inside it get this precision. Restores the previous policy on exit.

    A global policy would leak into VGG19 and into the EMA copy, which must stay float32.

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
    """A float32 copy of a functional network, with the same weights."""

    def rebuild(layer):
        if not isinstance(layer, keras.Layer):  # an operation such as depth_to_space computes in its input's dtype
            return layer.from_config(layer.get_config())
        return layer.from_config({**layer.get_config(), "dtype": "float32"})

    copy = keras.models.clone_model(model, clone_function=rebuild)
    copy.set_weights(model.get_weights())
    return copy
