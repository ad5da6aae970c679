"""Exports a generator for serving.

    python export.py --model runs/srgan_x4 --output models/srgan

writes models/srgan/1 (the next run: 2), the layout that TensorFlow Serving watches.
"""

import sys

from srgan_tf import cli


def main():
    """Parses the flags, exports, and says where the result lies."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--model", required=True, help="a run folder or a .keras file")
    parser.add_argument("--output", required=True, help="folder of the versions")
    parser.add_argument("--format", default="saved_model", choices=("saved_model",), help="(default: %(default)s)")
    flags = parser.parse_args()

    from srgan_tf import hardware
    from srgan_tf.inference import load_generator
    from srgan_tf.serving import export_saved_model

    generator = load_generator(flags.model)
    print(
        f"exporting {flags.model} ({generator.count_params():,} parameters) as a SavedModel; "
        f"device {hardware.describe()}, precision float32"
    )
    version = export_saved_model(generator, flags.output)
    print(f"done: {version}, reloaded and equal in both signatures, serving_default (image_bytes) and tensor (lr)")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
