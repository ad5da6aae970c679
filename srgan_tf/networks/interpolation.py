"""Network interpolation: one generator between two, to trade distortion for perception."""

import keras

from srgan_tf.errors import UserError


def interpolate(first, second, alpha):
    """A generator whose every weight is `(1 - alpha) * first + alpha * second` (Wang et al. 2018, eq. 4).

    It makes sense between networks of one origin, such as a generator after its pixel phase and after its GAN phase;
    there 0.8 keeps most of the texture and loses most of the artefacts. Statistics of batch norms are blended too.

    Args:
        first: `keras.Model`.
        second: `keras.Model` of the same layers.
        alpha: between 0 (first) and 1 (second).

    Returns:
        A new `keras.Model`.

    Raises:
        UserError: the networks differ in more than their weights, or `alpha` is out of range.
    """
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha must lie between 0 and 1 (received {alpha:g})")
    if difference := structural_difference(first, second):
        raise UserError(f"only equal networks can be blended: these differ in {difference}")
    blended = keras.models.clone_model(first)
    blended.set_weights(
        [(1 - alpha) * a + alpha * b for a, b in zip(first.get_weights(), second.get_weights(), strict=True)]
    )
    return blended


def structural_difference(first, second):
    """The first thing in which two networks differ besides their weights, in words; None if there is none.

    Networks with weights of equal shapes may still compute another function.
    """
    layers, others = _structure(first), _structure(second)
    if len(layers) != len(others):
        return f"their number of layers: {len(layers)} and {len(others)}"
    for (name, layer), (_, other) in zip(layers, others, strict=True):
        for key in layer | other:
            if layer.get(key) != other.get(key):
                return f"{key} of {name!r}: {layer.get(key)} and {other.get(key)}"
    return None


def _structure(network):
    """Names, and what must be equal of each layer: all of its settings but where its weights began."""
    return [
        (
            layer.name,
            {"kind": type(layer).__name__, "weights": [tuple(weight.shape) for weight in layer.weights]}
            | {key: value for key, value in layer.get_config().items() if not _is_free(key)},
        )
        for layer in network.layers
    ]


def _is_free(key):
    return key == "name" or key.endswith("_initializer")
