"""Exports a generator as SavedModel, ONNX or LiteRT.

    srgan-tf export --model runs/srgan_x4 --output models/srgan
    srgan-tf export --model photo_x4 --strength 0.5 --output models/photo
    srgan-tf export --model runs/srgan_x4 --output models/srgan.onnx --format onnx
    srgan-tf export --model runs/srgan_x4 --output models/srgan.tflite --format litert --precision int8

The first two commands write models/NAME/1 (the next run: 2), the folder layout of TensorFlow Serving; see
docs/SERVING.md. Each export gets a model card. It is loaded again and compared with the generator before the command
succeeds.
"""

import argparse
import pathlib

from srgan_tf.commands import cli
from srgan_tf.errors import UserError
from srgan_tf.weights import shipped

# Formats: the suffix of the file (None for a folder of versions), and the flags that apply to it.
FORMATS = {
    "saved_model": (None, ("version", "max_pixels", "server_config")),
    "onnx": (".onnx", ("size",)),
    "litert": (".tflite", ("size", "precision")),
}


def size(text):
    """Parses HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    try:
        return cli.positive_int(height), cli.positive_int(width)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH, such as 128x128 (received {text!r})") from error


def main():
    """Parses the flags, exports, and prints where the result is."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--model", required=True, help=f"{', '.join(shipped.names())}, a run folder or a .keras file")
    parser.add_argument("--output", required=True, help="folder of versions, or the .onnx or .tflite file")
    parser.add_argument("--format", default="saved_model", choices=tuple(FORMATS), help="(default: %(default)s)")
    parser.add_argument(
        "--strength",
        type=float,
        metavar="S",
        help="export the network between the faithful counterpart of the model, 0, and the model, 1 (default: 1); for "
        f"{', '.join(shipped.pairs())}",
    )
    parser.add_argument(
        "--scale",
        type=cli.positive_int,
        metavar="N",
        help="factor of the export, for continuous networks (default: the network's)",
    )
    parser.add_argument("--scores", metavar="FILE", help="metrics.json of srgan-tf evaluate, for the model card")
    parser.add_argument(
        "--license", metavar="TEXT", help="licence of the weights for the model card, such as CC-BY-4.0"
    )
    served = parser.add_argument_group("for saved_model")
    served.add_argument(
        "--version", type=cli.positive_int, metavar="N", help="version number (default: the highest plus 1)"
    )
    served.add_argument(
        "--max-pixels", type=cli.positive_int, metavar="N", help="largest request in LR pixels (default: 512x512)"
    )
    served.add_argument(
        "--server-config", action="store_true", help="also write models.config and monitoring.config, unless they exist"
    )
    others = parser.add_argument_group("for onnx and litert")
    others.add_argument("--size", type=size, metavar="HxW", help="fixed input size (default: any size)")
    others.add_argument(
        "--precision", choices=("float32", "float16", "int8"), help="precision of the LiteRT weights (default: float32)"
    )
    flags = parser.parse_args()
    _, applicable = FORMATS[flags.format]
    for name in sorted({name for _, names in FORMATS.values() for name in names}):
        if getattr(flags, name) and name not in applicable:
            parser.error(f"--{name.replace('_', '-')} does not apply to --format {flags.format}")

    from srgan_tf import hardware
    from srgan_tf.export import card
    from srgan_tf.files import check_encodable, check_targets
    from srgan_tf.networks.saved import faithful_of, find, load_generator

    model = find(flags.model)
    output = pathlib.Path(flags.output)
    check_encodable(output)
    if flags.format == "saved_model":
        targets = [output / str(flags.version or 1)]
    else:
        targets = [output, output.parent / f"{output.name}.md"]
    check_targets(targets, filter(None, [flags.model, flags.scores]))
    blend = None if flags.strength is None else (faithful_of(flags.model, flags.strength), flags.strength)
    facts = card.training_facts(model, blend=blend, scores=flags.scores, license_text=flags.license)
    generator = load_generator(flags.model, strength=flags.strength)
    if flags.scale is not None:
        generator = _at_scale(generator, flags.model, flags.scale)
    blended = "" if blend is None else f"@{flags.strength:g}"
    print(
        f"exporting {flags.model}{blended} ({generator.count_params():,} parameters) as {flags.format}; "
        f"device {hardware.describe()}, precision {flags.precision or 'float32'}"
    )
    _EXPORTERS[flags.format](generator, flags, facts)


def _at_scale(generator, model, scale):
    from srgan_tf.networks.continuous import at_scale, is_continuous
    from srgan_tf.networks.geometry import scale_of

    if is_continuous(generator):
        return at_scale(generator, scale)
    if scale != scale_of(generator):
        raise UserError(f"the model {model!r} enlarges by {scale_of(generator)}, not by {scale}")
    return generator


def _export_versions(generator, flags, facts):
    from srgan_tf.export import card, saved_model
    from srgan_tf.export.server_config import write_server_configs
    from srgan_tf.inference.exported import versions

    version = saved_model.export_saved_model(
        generator,
        flags.output,
        version=flags.version,
        max_pixels=flags.max_pixels or saved_model.MAX_PIXELS,
        facts=facts,
    )
    if flags.server_config:
        for path in write_server_configs(flags.output):
            print(f"wrote {path}")
    newest = versions(flags.output)[-1]
    if version.name != str(newest):
        print(f"note: TensorFlow Serving uses the highest version, {newest}, unless models.config names another")
    print(f"done: {version}, verified: every signature equals the generator; see {version / card.FILE}")


def _export_onnx(generator, flags, facts):
    from srgan_tf.export.onnx import OPSET, export_onnx

    path = _output_file(flags)
    function, deviation = export_onnx(generator, path, size=flags.size)
    result = f"within {deviation:.1e} of the generator in ONNX Runtime"
    _finish_file(path, generator, function, facts, form=f"ONNX, opset {OPSET}", result=result)


def _export_litert(generator, flags, facts):
    from srgan_tf.export.litert import export_litert

    path = _output_file(flags)
    precision = flags.precision or "float32"
    function, deviation = export_litert(generator, path, size=flags.size, precision=precision)
    result = f"within {deviation:.1e}" if precision == "float32" else f"{deviation:.1f} dB (PSNR, generated images)"
    form = f"LiteRT, {precision}"
    _finish_file(path, generator, function, facts, form=form, result=f"{result} of the generator in LiteRT")


def _output_file(flags):
    from srgan_tf.export import card
    from srgan_tf.files import make_folder

    path = pathlib.Path(flags.output)
    suffix, _ = FORMATS[flags.format]
    if path.suffix != suffix or path.is_dir():
        raise UserError(f"--format {flags.format} writes a file: --output NAME{suffix} (received {flags.output!r})")
    card.check_replaceable(path)
    make_folder(path.parent)
    return path


def _finish_file(path, generator, function, facts, *, form, result):
    from srgan_tf.export import card

    card_path = card.write_file_card(path, generator, function, form=form, facts=facts)
    print(f"done: {path} ({path.stat().st_size:,} bytes), verified: {result}; see {card_path}")


_EXPORTERS = {"saved_model": _export_versions, "onnx": _export_onnx, "litert": _export_litert}
