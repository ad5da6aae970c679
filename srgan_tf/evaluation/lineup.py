"""Loads the models of an evaluation."""

import pathlib

from srgan_tf.errors import UserError
from srgan_tf.inference.ensemble import EnsembleUpscaler
from srgan_tf.inference.loading import load_upscaler, resolve
from srgan_tf.inference.upscalers import BicubicUpscaler, network_upscaler
from srgan_tf.networks.interpolation import interpolate
from srgan_tf.networks.rewrites.inference import optimize_for_inference
from srgan_tf.networks.saved import load_generator


def load_lineup(models, *, between=None, alphas=(), ensemble=False, scale=None, precision="float32"):
    """Loads the models to compare.

    Args:
        models: names for `loading.load_upscaler`; NAME=MODEL gives a model another name.
        between: None, or two run folders or `.keras` files with the same architecture.
        alphas: interpolation weights; each adds a network named A-B@ALPHA.
        ensemble: also add the self-ensemble of each network, named NAME+.
        scale: the factor that all models must have; None for the networks' own.
        precision: as for `loading.load_upscaler`.

    Returns:
        `(upscalers, curve)`: list of `Upscaler`, and the names of the interpolated ones.

    Raises:
        UserError: there is no such model, networks cannot be interpolated, or `ensemble` is given without a network.
    """
    upscalers = [_load_named(model, scale, precision) for model in models]
    curve = []
    if between:
        first, second = map(load_generator, between)
        name = "-".join(pathlib.Path(model).resolve().stem for model in between)
        for alpha in alphas:
            curve.append(f"{name}@{alpha:g}")
            network = optimize_for_inference(interpolate(first, second, alpha), resolve(precision))
            upscalers.append(network_upscaler(network, curve[-1]))
    if ensemble:
        networks = [upscaler for upscaler in upscalers if not isinstance(upscaler, BicubicUpscaler)]
        if not networks:
            raise UserError("--ensemble needs a network: a self-ensemble does not improve bicubic")
        upscalers += [EnsembleUpscaler(network) for network in networks]
    return upscalers, curve


def _load_named(model, scale, precision):
    name, separator, path = model.partition("=")
    if not separator or pathlib.Path(model).exists():
        return load_upscaler(model, scale=scale, precision=precision)
    upscaler = load_upscaler(path, scale=scale, precision=precision)
    upscaler.name = name
    return upscaler
