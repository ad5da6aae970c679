"""Loads the models of an evaluation."""

import pathlib

from srgan_tf.errors import UserError
from srgan_tf.inference.ensemble import EnsembleUpscaler
from srgan_tf.inference.loading import interpolated_upscaler, load_upscaler
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.networks.saved import load_generator


def load_lineup(
    models, *, between=None, alphas=(), ensemble=False, scale=None, precision="float32", steps=None, seeds=()
):
    """Loads the models to compare.

    Args:
        models: names for `loading.load_upscaler`; NAME=MODEL gives a model another name.
        between: None, or two run folders or `.keras` files with the same architecture.
        alphas: interpolation weights; each adds a network named A-B@ALPHA.
        ensemble: also add the self-ensemble of each network, named NAME+.
        scale: the factor that all models must have; None for the networks' own, which bicubic then has too.
        precision: as for `loading.load_upscaler`.
        steps: of diffusion networks; None for their own.
        seeds: of diffusion networks; with several, each network is in the list once for each, named NAME-seedN.

    Returns:
        `(upscalers, curve)`: list of `Upscaler`, and the names of the interpolated ones.

    Raises:
        UserError: there is no such model, networks cannot be interpolated, or `ensemble` is given without a network.
    """
    upscalers = []
    for model in models:
        upscaler = _load_named(model, scale, precision)
        if getattr(upscaler, "sampling", None) is None or (steps is None and not seeds):
            upscalers.append(upscaler)
            continue
        for seed in seeds or [None]:
            sampled = _load_named(model, scale, precision, steps, seed)
            sampled.name = f"{upscaler.name}-seed{seed}" if len(seeds) > 1 else upscaler.name
            upscalers.append(sampled)
    curve = []
    if between:
        first, second = map(load_generator, between)
        name = "-".join(pathlib.Path(model).resolve().stem for model in between)
        for alpha in alphas:
            curve.append(f"{name}@{alpha:g}")
            options = {"precision": precision, "scale": scale}
            upscalers.append(interpolated_upscaler(first, second, alpha, curve[-1], **options))
    if scale is None:
        upscalers = _with_bicubic_of_their_factor(upscalers)
    if ensemble:
        networks = [upscaler for upscaler in upscalers if not isinstance(upscaler, BicubicUpscaler)]
        if not networks:
            raise UserError("--ensemble needs a network: a self-ensemble does not improve bicubic")
        upscalers += [EnsembleUpscaler(network) for network in networks]
    return upscalers, curve


def _with_bicubic_of_their_factor(upscalers):
    """The same with bicubic of the factor of the networks, if they have one."""
    factors = {upscaler.scale for upscaler in upscalers if not isinstance(upscaler, BicubicUpscaler)}
    if len(factors) != 1:
        return upscalers
    adapted = []
    for upscaler in upscalers:
        if isinstance(upscaler, BicubicUpscaler):
            adapted.append(BicubicUpscaler(*factors))
            adapted[-1].name = upscaler.name
        else:
            adapted.append(upscaler)
    return adapted


def _load_named(model, scale, precision, steps=None, seed=None):
    options = {"scale": scale, "precision": precision, "steps": steps, "seed": seed}
    name, separator, path = model.partition("=")
    if not separator or pathlib.Path(model).exists():
        return load_upscaler(model, **options)
    upscaler = load_upscaler(path, **options)
    upscaler.name = name
    return upscaler
