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
    layers, others = _structure(first), _structure(second)
    if len(layers) != len(others):
        raise UserError(f"only equal networks can be blended: these have {len(layers)} and {len(others)} layers")
    for layer, other in zip(layers, others, strict=True):
        if layer != other:
            raise UserError(f"only equal networks can be blended: these differ in {_difference(layer, other)}")
    blended = keras.models.clone_model(first)
    blended.set_weights(
        [(1 - alpha) * a + alpha * b for a, b in zip(first.get_weights(), second.get_weights(), strict=True)]
    )
    return blended


def _structure(generator):
    """What must be equal of each layer: all of its settings but its name and where its weights began."""
    return [
        {"name": layer.name, "kind": type(layer).__name__, "weights": [tuple(weight.shape) for weight in layer.weights]}
        | {key: value for key, value in layer.get_config().items() if not key.endswith("_initializer")}
        for layer in generator.layers
    ]


def _difference(layer, other):
    key = next(key for key in layer | other if layer.get(key) != other.get(key))
    return f"{key} of {layer['name']!r}: {layer.get(key)} and {other.get(key)}"
