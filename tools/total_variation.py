r"""Draws what the total variation of the loss does: GAN phases that differ in its weight alone, side by side.

    python -m tools.total_variation --data photos --valid benchmark/Set5 --output runs/total_variation \
        --picture docs/images/total_variation.jpg

All start from the included `srresnet_lite_x4` and have the losses and the learning rate of `report_x4`, with smaller
patches and half of its discriminator's filters. Prints the PSNR of each result and its total variation in relation to
that of HR. The same command continues an interrupted run.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.files import check_targets, make_folder
from srgan_tf.images.pixels import to_float
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.losses.total_variation import total_variation
from srgan_tf.metrics.fidelity import psnr_y
from srgan_tf.training.run import run
from tools.strip import PHOTOGRAPHS, downscale, draw_strip, parse_crop, read_photograph

START = "srresnet_lite_x4"
SETTINGS = (
    "generator.name=compact",
    "generator.num_blocks=16",
    "generator.num_filters=64",
    f"init_generator={START}",
    "discriminator.num_filters=32",
    "precision=bfloat16",
    "data.hr_patch_size=64",
    "data.batch_size=8",
    "data.valid_pictures=2",
    "pretrain.steps=0",
    "ema_decay=0.99",
    "reporting.log_every=10",
    "reporting.checkpoint_every=100",
    "reporting.validate_every=10000",
)


def train(weight, data, valid, steps, output):
    """Trains with one weight of total variation; returns the run folder."""
    config = with_settings(
        presets.report_x4(),
        [
            *SETTINGS,
            f"gan.steps={steps}",
            f"gan.total_variation_weight={weight}",
            f'data.train=["{data}"]',
            f'data.valid=["{valid}"]',
        ],
    )
    folder = output / f"weight_{weight:g}"
    run(config, folder)
    return folder


def relative_total_variation(hr, sr):
    """Total variation of SR over that of HR, of two uint8 pictures."""
    return float(total_variation(to_float(sr[np.newaxis])) / total_variation(to_float(hr[np.newaxis])))


def main():
    """Parses the flags, trains, and writes the picture."""
    parser = cli.Parser(__doc__)
    parser.add_argument("--data", required=True, help="pictures to train on")
    parser.add_argument("--valid", required=True, help="validation pictures")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder of the runs")
    parser.add_argument("--picture", required=True, type=pathlib.Path, help="the picture to write, PNG or JPEG")
    parser.add_argument("--weight", action="append", type=float, help="may be repeated (default: 0 and 5)")
    parser.add_argument("--steps", type=cli.positive_int, default=150, help="of each run (default: %(default)s)")
    parser.add_argument("--photograph", default="chelsea", choices=PHOTOGRAPHS, help="(default: %(default)s)")
    parser.add_argument("--crop", type=parse_crop, metavar="TOPxLEFTxHEIGHTxWIDTH", help="part to show, HR pixels")
    flags = parser.parse_args()
    check_targets([flags.picture], [flags.data, flags.valid])
    hr = read_photograph(flags.photograph)
    lr = downscale(hr)
    upscalers = {f"{START}, the start": load_upscaler(START, precision="float32")}
    for weight in flags.weight or [0.0, 5.0]:
        folder = train(weight, flags.data, flags.valid, flags.steps, flags.output)
        upscalers[f"weight {weight:g}"] = load_upscaler(str(folder), precision="float32")
    make_folder(flags.picture.absolute().parent)
    Image.fromarray(draw_strip(hr, upscalers, crop=flags.crop)).save(flags.picture, quality=92, subsampling=0)
    for label, upscaler in upscalers.items():
        sr = upscaler.upscale(lr)
        print(f"{label}: PSNR-Y {psnr_y(hr, sr):.2f} dB, total variation {relative_total_variation(hr, sr):.1%} of HR")
    print(f"done: {flags.picture}")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
