"""Loading an upscaler by whatever name the user gives."""

from srgan_tf import runs
from srgan_tf.errors import UserError
from srgan_tf.inference.exported import FILE_LOADERS, load_exported_file, load_saved_model, saved_model_folder
from srgan_tf.inference.upscalers import BicubicUpscaler, network_upscaler
from srgan_tf.networks.rewrites.inference import optimize_for_inference
from srgan_tf.networks.saved import find, load_generator
from srgan_tf.weights import shipped


def load_upscaler(model, *, scale=None):
    """Loads what `--model` names.

    A Keras generator is rewritten into its faster form.

    Args:
        model: "bicubic", the name of a model that comes with the package, a run folder, a `.keras` file, or what
            `export.py` wrote: a folder (or one version of it), an ONNX or a LiteRT file.
        scale: the factor wanted: that of "bicubic" (4 if None); networks have their own.

    Returns:
        An `Upscaler` of whole images. For images of any size wrap it in a `TiledUpscaler`.

    Raises:
        UserError: no such model, a file that is none, or a network of another factor.
    """
    if model == "bicubic":
        return BicubicUpscaler(scale or 4)
    path = find(model)
    saved_model = saved_model_folder(path)
    if saved_model is not None:
        upscaler = load_saved_model(saved_model, path.resolve().name)
    elif path.is_file() and path.suffix in FILE_LOADERS:
        upscaler = load_exported_file(path)
    elif path.is_dir() and not (path / runs.GENERATOR_FILE).is_file():
        raise UserError(f"no model in the folder {model!r}: it holds neither {runs.GENERATOR_FILE} nor a SavedModel")
    elif not path.exists():
        raise UserError(
            f"no model {model!r}: expected 'bicubic', {', '.join(map(repr, shipped.names()))}, a run folder, a "
            ".keras file or what export.py wrote"
        )
    else:
        name = path.resolve().stem if path.is_file() else path.resolve().name
        upscaler = network_upscaler(optimize_for_inference(load_generator(path)), name)
    if scale not in (None, upscaler.scale):
        raise UserError(f"the model {model!r} enlarges by {upscaler.scale}, not by {scale}")
    return upscaler
