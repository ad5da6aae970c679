"""Exports a generator for serving.

    python export.py --model runs/srgan_x4 --output models/srgan

writes models/srgan/1 (the next run: 2), the layout that TensorFlow Serving watches; docs/SERVING.md goes on from there.
"""

import sys

from srgan_tf import cli


def main():
    """Parses the flags, exports, and says where the result lies."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--model", required=True, help="a run folder or a .keras file")
    parser.add_argument("--output", required=True, help="folder of the versions")
    parser.add_argument("--format", default="saved_model", choices=("saved_model",), help="(default: %(default)s)")
    parser.add_argument("--scores", metavar="FILE", help="for the model card: a metrics.json of evaluate.py")
    parser.add_argument("--license", metavar="TEXT", help="for the model card: terms of the weights, such as CC-BY-4.0")
    served = parser.add_argument_group("SavedModel")
    served.add_argument(
        "--version", type=cli.positive_int, metavar="N", help="its number (default: one above the highest)"
    )
    served.add_argument(
        "--max-pixels",
        type=cli.positive_int,
        default=512 * 512,
        metavar="N",
        help="refuse requests of more LR pixels (default: %(default)s)",
    )
    served.add_argument(
        "--server-config", action="store_true", help="write models.config and monitoring.config too, if not there yet"
    )
    flags = parser.parse_args()

    from srgan_tf import hardware
    from srgan_tf.inference import load_generator
    from srgan_tf.serving import card
    from srgan_tf.serving.layout import versions
    from srgan_tf.serving.saved_model import export_saved_model
    from srgan_tf.serving.server_config import write_server_configs

    facts = card.training_facts(flags.model, scores=flags.scores, license_text=flags.license)
    generator = load_generator(flags.model)
    print(
        f"exporting {flags.model} ({generator.count_params():,} parameters) as a SavedModel; "
        f"device {hardware.describe()}, precision float32"
    )
    version = export_saved_model(
        generator, flags.output, version=flags.version, max_pixels=flags.max_pixels, facts=facts
    )
    if flags.server_config:
        for path in write_server_configs(flags.output):
            print(f"wrote {path}")
    newest = versions(flags.output)[-1]
    if version.name != str(newest):
        print(f"note: a server takes the highest version, {newest}, unless its models.config names another")
    print(f"done: {version}, loaded again and equal to the generator in every signature; see {version / card.FILE}")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
