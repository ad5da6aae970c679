"""Loads an upscaler by the name given to `--model`."""

from srgan_tf import hardware, runs
from srgan_tf.errors import UserError
from srgan_tf.inference.continuous import ContinuousUpscaler
from srgan_tf.inference.exported import FILE_LOADERS, load_exported_file, load_saved_model, saved_model_folder
from srgan_tf.inference.upscalers import BicubicUpscaler, network_upscaler
from srgan_tf.networks.continuous import is_continuous
from srgan_tf.networks.geometry import scale_of
from srgan_tf.networks.idm import is_diffusion, with_sampling
from srgan_tf.networks.interpolation import interpolate
from srgan_tf.networks.rewrites.inference import optimize_for_inference
from srgan_tf.networks.saved import find, load_generator
from srgan_tf.weights import shipped


def load_upscaler(model, *, scale=None, strength=None, precision="float32", steps=None, seed=None):
    """Loads the model that `--model` names. A Keras generator is optimized for inference.

    Args:
        model: "bicubic", the name of a shipped model, a run folder, a `.keras` file, or an exported model: a
            SavedModel folder (or one version of it), an ONNX or a LiteRT file.
        scale: the factor; None for 4 with "bicubic", and for the network's own factor otherwise. "bicubic" and
            continuous networks take any factor of at least 1.
        strength: between 0, the faithful counterpart of a shipped model, and 1, the model; None for the model itself.
        precision: of a Keras generator's feature maps, "float32", "bfloat16", "float16", or "auto": bfloat16 where the
            device is faster in it, else float32. Exports have a precision of their own.
        steps: steps of sampling of a diffusion network; None for its own.
        seed: of the noise of a diffusion network, 0 to 2^31 - 1; None for 0.

    Returns:
        An `Upscaler` of whole images. For images of any size wrap it in a `TiledUpscaler`.

    Raises:
        UserError: there is no such model, a file is not a model, the network has another factor, `strength` is out of
            range, the model has no faithful counterpart, half precision is asked of an export, or `steps` or `seed` of
            another model than a diffusion network.
    """
    if strength is not None:
        _refuse_sampling(model, steps, seed)
        generator = load_generator(model, strength=strength)
        return _of_scale(_of_network(generator, f"{model}@{strength:g}", precision, scale), model, scale)
    if model == "bicubic":
        _refuse_sampling(model, steps, seed)
        return BicubicUpscaler(scale or 4)
    path = find(model)
    saved_model = saved_model_folder(path)
    is_exported_file = path.is_file() and path.suffix in FILE_LOADERS
    if (saved_model is not None or is_exported_file) and precision not in ("auto", "float32"):
        raise UserError(f"the export {model!r} has its own precision: it cannot be used in {precision}")
    if saved_model is not None or is_exported_file:
        _refuse_sampling(model, steps, seed)
    if saved_model is not None:
        upscaler = load_saved_model(saved_model, path.resolve().name)
    elif is_exported_file:
        upscaler = load_exported_file(path)
    elif path.is_dir() and not (path / runs.GENERATOR_FILE).is_file():
        raise UserError(f"no model in the folder {model!r}: it contains neither {runs.GENERATOR_FILE} nor a SavedModel")
    elif not path.exists():
        raise UserError(
            f"no model {model!r}: expected 'bicubic', {', '.join(map(repr, shipped.names()))}, a run folder, a "
            ".keras file or an exported model"
        )
    else:
        name = path.resolve().stem if path.is_file() else path.resolve().name
        generator = load_generator(path)
        if is_diffusion(generator):
            generator = _with_sampling(generator, steps, seed)
        else:
            _refuse_sampling(model, steps, seed)
        upscaler = _of_network(generator, name, precision, scale)
    return _of_scale(upscaler, model, scale)


def _refuse_sampling(model, steps, seed):
    for name, value in (("steps", steps), ("seed", seed)):
        if value is not None:
            raise UserError(f"--{name} is for diffusion networks, and {model!r} is none (received {value})")


def _with_sampling(generator, steps, seed):
    try:
        return with_sampling(generator, steps=steps, seed=seed)
    except ValueError as error:
        raise UserError(f"--steps: {error}") from error


def _of_network(generator, name, precision, scale):
    return upscaler_of(optimize_for_inference(generator, hardware.resolve_precision(precision)), name, scale)


def interpolated_upscaler(first, second, alpha, name, *, precision, scale=None):
    """An upscaler whose weights lie between those of two generators.

    Args:
        first: Keras generator.
        second: another of the same architecture.
        alpha: 0 is `first`, 1 is `second`.
        name: of the upscaler.
        precision: see `load_upscaler`.
        scale: see `load_upscaler`.

    Raises:
        UserError: the architectures differ, `alpha` is out of range, or the networks have another factor than `scale`.
    """
    return _of_scale(_of_network(interpolate(first, second, alpha), name, precision, scale), name, scale)


def upscaler_of(generator, name, scale=None):
    """Wraps a Keras generator as an `Upscaler` of whole images.

    Args:
        generator: the network. Later changes of its weights take effect.
        name: its name in reports.
        scale: the factor of a continuous generator, at least 1; None for its own. Others have their own only.
    """
    if is_continuous(generator):
        return ContinuousUpscaler(generator, name, scale or scale_of(generator))
    return network_upscaler(generator, name)


def _of_scale(upscaler, model, scale):
    if scale not in (None, upscaler.scale):
        raise UserError(f"the model {model!r} enlarges by {upscaler.scale}, not by {scale:g}")
    return upscaler
