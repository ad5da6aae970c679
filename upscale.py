"""Upscales pictures; no reference is needed.

    python upscale.py photo.jpg holiday/ --model runs/srgan_x4 --output upscaled

Folders keep their tree in the output; inputs are never replaced.
"""

import sys

from srgan_tf import cli


def main():
    """Parses the flags, upscales, and says where the results lie."""
    parser = cli.Parser(__doc__)
    parser.add_argument("pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="folders are searched to their depth")
    parser.add_argument(
        "--model", required=True, help="bicubic, a run folder, a .keras file or a SavedModel folder of export.py"
    )
    parser.add_argument("--output", required=True, help="folder for the PNG files")
    parser.add_argument("--scale", type=int, choices=(2, 4, 8), help="factor of bicubic; a network has its own")
    flags = parser.parse_args()

    from srgan_tf import hardware, upscaling
    from srgan_tf.inference import load_upscaler
    from srgan_tf.outputs import make_folder

    jobs = upscaling.plan(flags.pictures, flags.output)
    upscaler = load_upscaler(flags.model, scale=flags.scale)
    make_folder(flags.output)
    print(
        f"upscaling x{upscaler.scale} with {upscaler.name}, pictures: {len(jobs)}; "
        f"device {hardware.describe()}, precision float32"
    )
    upscaling.run(upscaler, jobs, lambda line: print(line, flush=True))
    print(f"done: {flags.output}")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
