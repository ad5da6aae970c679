"""The upscaler that the options of a command ask for: a model, interpolated with another, and wrappers around it."""

from srgan_tf.inference.ensemble import EnsembleUpscaler
from srgan_tf.inference.loading import interpolated_upscaler, load_upscaler
from srgan_tf.inference.refinement import BackProjectionUpscaler
from srgan_tf.networks.saved import load_generator


def assemble_upscaler(
    model,
    *,
    factor=None,
    strength=None,
    other=None,
    alpha=None,
    precision="auto",
    steps=None,
    seed=None,
    ensemble=False,
    back_projection=0,
):
    """Loads a model with what the options of `upscale` add to it.

    Args:
        model: see `load_upscaler`.
        factor: of the result, or None; bicubic enlarges by it if it is an integer.
        strength: see `load_upscaler`.
        other: a model whose weights are interpolated with those of `model`; None for none.
        alpha: 0 is `model`, 1 is `other`.
        precision: see `load_upscaler`.
        steps: see `load_upscaler`.
        seed: see `load_upscaler`.
        ensemble: whether the self-ensemble is applied.
        back_projection: number of steps of iterative back-projection.

    Returns:
        An `Upscaler` of whole images; tiles come later.

    Raises:
        UserError: see `load_upscaler`; or the two models cannot be interpolated.
    """
    if other is not None:
        between = load_generator(model), load_generator(other)
        upscaler = interpolated_upscaler(*between, alpha, f"{model} + {alpha:g} {other}", precision=precision)
    else:
        scale = int(factor) if model == "bicubic" and factor is not None and float(factor).is_integer() else None
        options = {"strength": strength, "precision": precision, "steps": steps, "seed": seed}
        upscaler = load_upscaler(model, scale=scale, **options)
    if ensemble:
        upscaler = EnsembleUpscaler(upscaler)
    return BackProjectionUpscaler(upscaler, back_projection) if back_projection else upscaler
