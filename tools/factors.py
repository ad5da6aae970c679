"""Draws one detail at several factors: bicubic above, a network for every factor below, pixels at 1:1.

    python -m tools.factors chelsea --model continuous_x4 --centre 110x200 --output factors.jpg

PHOTOGRAPH is as in `python -m tools.strip`. Its LR, downscaled x4 by MATLAB-like bicubic, is enlarged by each factor.
Every panel shows the same number of pixels around the same point, so less of the scene at larger factors.
"""

import pathlib
import sys

import numpy as np
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.files import check_targets, make_folder
from srgan_tf.images import comparison
from srgan_tf.images.resize import imresize
from tools.strip import downscale, parser_of, read_photograph

FACTORS = (1.5, 2, 2.5, 2.7, 3, 3.3, 4, 6, 8)
_MARGIN = 4
_parse_point = parser_of("ROWxCOLUMN in LR pixels, such as 30x50", r"\d+x\d+")


def draw_factors(lr, upscalers, centre, side):
    """Draws a column for each factor.

    Args:
        lr: uint8 [height, width, 3].
        upscalers: mapping of a factor to an upscaler of that factor.
        centre: (row, column) of the point shown, LR pixels.
        side: of each panel, pixels.

    Returns:
        uint8 [height, width, 3] array.
    """
    columns = {}
    for factor, upscaler in upscalers.items():
        sr = upscaler.upscale(lr)
        panels = (crop_around(picture, centre, factor, side) for picture in (imresize(lr, *sr.shape[:2]), sr))
        columns[f"x{factor:g}"] = np.concatenate(
            [np.pad(panel, ((0, _MARGIN), (0, 0), (0, 0)), constant_values=255) for panel in panels]
        )
    return comparison.strip(columns)


def crop_around(picture, centre, factor, side):
    """The square of `side` pixels around a point given in LR pixels, moved to lie inside the picture."""
    top, left = (
        min(max(round((position + 0.5) * factor - side / 2), 0), size - side)
        for position, size in zip(centre, picture.shape[:2], strict=True)
    )
    return picture[top : top + side, left : left + side]


def main():
    """Parses the flags, enlarges and writes the picture."""
    parser = cli.Parser(__doc__)
    parser.add_argument("photograph", metavar="PHOTOGRAPH", help="a file, or a name from scikit-image")
    parser.add_argument("--model", default="continuous_x4", help="a network for every factor (default: %(default)s)")
    parser.add_argument(
        "--centre", type=_parse_point, required=True, metavar="ROWxCOLUMN", help="the point shown, LR pixels"
    )
    parser.add_argument("--side", type=cli.positive_int, default=104, help="of each panel, pixels (%(default)s)")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the picture to write, PNG or JPEG")
    flags = parser.parse_args()

    from srgan_tf.inference.loading import load_upscaler

    check_targets([flags.output], [flags.photograph, flags.model])
    lr = downscale(read_photograph(flags.photograph))
    upscalers = {factor: load_upscaler(flags.model, scale=factor) for factor in FACTORS}
    make_folder(flags.output.absolute().parent)
    Image.fromarray(draw_factors(lr, upscalers, flags.centre, flags.side)).save(flags.output, quality=92, subsampling=0)
    print(f"done: {flags.output} ({flags.output.stat().st_size:,} bytes)")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
