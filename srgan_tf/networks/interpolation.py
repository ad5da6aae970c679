"""Network interpolation: blends the weights of two generators to trade distortion for perceptual quality."""

import keras

from srgan_tf.errors import UserError


def interpolate(first, second, alpha):
    """A generator whose every weight is `(1 - alpha) * first + alpha * second` (Wang et al. 2018, eq. 4).

    Both networks must share their training history, such as a generator before and after the GAN phase. In the paper,
    0.8 keeps most of the texture and removes most of the artifacts. Batch-norm statistics are blended too.

    Args:
        first: `keras.Model`.
        second: `keras.Model` of the same architecture.
        alpha: between 0 (first) and 1 (second).

    Returns:
        A new `keras.Model`.

    Raises:
        UserError: the architectures differ, or `alpha` is out of range.
    """
    if not 0 <= alpha <= 1:
        raise UserError(f"alpha must lie between 0 and 1 (received {alpha:g})")
    if difference := structural_difference(first, second):
        raise UserError(f"only networks of the same architecture can be blended: these differ in {difference}")
    blended = keras.models.clone_model(first)
    blended.set_weights(
        [(1 - alpha) * a + alpha * b for a, b in zip(first.get_weights(), second.get_weights(), strict=True)]
    )
    return blended


def structural_difference(first, second):
    """The first difference between two architectures as text for an error message; None if they are equal.

    All settings of the layers that change their function at inference are compared: equal weight shapes alone do not
    imply the same function. Initializers and the momentum of batch norms do not change it. The steps and the seed of a
    diffusion's sampling are not compared.
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
    """Name and settings of each layer, without those that do not change its function at inference."""
    return [
        (
            layer.name,
            {"kind": type(layer).__name__, "weights": [tuple(weight.shape) for weight in layer.weights]}
            | {key: value for key, value in layer.get_config().items() if not _is_ignored(key)},
        )
        for layer in network.layers
    ]


def _is_ignored(key):
    return key in ("name", "momentum", "steps", "seed") or key.endswith("_initializer")
