"""Exports a generator for serving.

    python export.py --model runs/srgan_x4 --output models/srgan
    python export.py --model runs/srgan_x4 --output models/srgan.onnx --format onnx
    python export.py --model runs/srgan_x4 --output models/srgan.tflite --format litert --precision int8

The first writes models/srgan/1 (the next run: 2), the layout that TensorFlow Serving watches; docs/SERVING.md goes on
from there. Each format lies beside a model card, and is loaded again and compared before it is called done.
"""

import argparse
import pathlib

from srgan_tf.commands import cli
from srgan_tf.errors import UserError
from srgan_tf.weights import shipped

SUFFIXES = {"onnx": ".onnx", "litert": ".tflite"}


def size(text):
    """Parses HEIGHTxWIDTH."""
    height, _, width = text.partition("x")
    try:
        return cli.positive_int(height), cli.positive_int(width)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"HEIGHTxWIDTH is needed, as in 128x128, not {text!r}") from error


def main():
    """Parses the flags, exports, and says where the result lies."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--model", required=True, help=f"{', '.join(shipped.names())}, a run folder or a .keras file")
    parser.add_argument("--output", required=True, help="folder of the versions, or the ONNX or LiteRT file")
    parser.add_argument(
        "--format", default="saved_model", choices=("saved_model", *SUFFIXES), help="(default: %(default)s)"
    )
    parser.add_argument("--scores", metavar="FILE", help="for the model card: a metrics.json of evaluate.py")
    parser.add_argument("--license", metavar="TEXT", help="for the model card: terms of the weights, such as CC-BY-4.0")
    served = parser.add_argument_group("for saved_model")
    served.add_argument("--version", type=cli.positive_int, metavar="N", help="(default: one above the highest)")
    served.add_argument(
        "--max-pixels", type=cli.positive_int, metavar="N", help="refuse requests of more LR pixels (default: 512x512)"
    )
    served.add_argument(
        "--server-config", action="store_true", help="write models.config and monitoring.config too, if not there yet"
    )
    others = parser.add_argument_group("for onnx and litert")
    others.add_argument("--size", type=size, metavar="HxW", help="size of the pictures that it takes (default: any)")
    others.add_argument(
        "--precision", choices=("float32", "float16", "int8"), help="of LiteRT's weights (default: float32)"
    )
    flags = parser.parse_args()
    meant_for = {
        "saved_model": ("version", "max_pixels", "server_config"),
        "onnx": ("size",),
        "litert": ("size", "precision"),
    }
    for name in ("version", "max_pixels", "server_config", "size", "precision"):
        if getattr(flags, name) and name not in meant_for[flags.format]:
            parser.error(f"--{name.replace('_', '-')} has no meaning for --format {flags.format}")

    from srgan_tf import hardware
    from srgan_tf.export import card
    from srgan_tf.networks.saved import find, load_generator

    model = find(flags.model)
    facts = card.training_facts(model, scores=flags.scores, license_text=flags.license)
    generator = load_generator(model)
    print(
        f"exporting {flags.model} ({generator.count_params():,} parameters) as {flags.format}; "
        f"device {hardware.describe()}, precision {flags.precision or 'float32'}"
    )
    export = _export_versions if flags.format == "saved_model" else _export_file
    export(generator, flags, facts)


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
        print(f"note: a server takes the highest version, {newest}, unless its models.config names another")
    print(f"done: {version}, loaded again and equal to the generator in every signature; see {version / card.FILE}")


def _export_file(generator, flags, facts):
    from srgan_tf.export import card
    from srgan_tf.export.litert import export_litert
    from srgan_tf.export.onnx import OPSET, export_onnx
    from srgan_tf.files import make_folder

    path = pathlib.Path(flags.output)
    if path.suffix != SUFFIXES[flags.format] or path.is_dir():
        raise UserError(
            f"--format {flags.format} writes a file: --output NAME{SUFFIXES[flags.format]}, not {flags.output!r}"
        )
    make_folder(path.parent)
    if flags.format == "onnx":
        function, deviation = export_onnx(generator, path, size=flags.size)
        form, found = f"ONNX, opset {OPSET}", f"within {deviation:.1e} of the generator in ONNX Runtime"
    else:
        precision = flags.precision or "float32"
        function, result = export_litert(generator, path, size=flags.size, precision=precision)
        form = f"LiteRT, {precision}"
        found = f"within {result:.1e}" if precision == "float32" else f"{result:.1f} dB (PSNR, drawn pictures)"
        found += " of the generator in LiteRT"
    card_path = card.write_file_card(path, generator, function, form=form, facts=facts)
    print(f"done: {path} ({path.stat().st_size:,} bytes), loaded again and {found}; see {card_path}")
