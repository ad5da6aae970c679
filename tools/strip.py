"""Draws the strip of README.md: one photograph as bicubic, as each model upscales it, and as HR.

    python -m tools.strip chelsea --model compact_x4 --model photo_x4 --output strip.png
    python -m tools.strip chelsea --model photo_x4@0 --model photo_x4@0.5 --jpeg 60 --output strip.png

PHOTOGRAPH is a picture file or a photograph that comes with scikit-image: astronaut, chelsea, coffee or rocket;
docs/PICTURES.md has their sources. LR is the photograph downscaled x4 by MATLAB-like
bicubic, and with --jpeg compressed after that. MODEL@S is MODEL with --strength S.
"""

import argparse
import io
import pathlib
import re
import sys

import numpy as np
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.errors import UserError
from srgan_tf.files import check_targets, make_folder
from srgan_tf.images import comparison
from srgan_tf.images.pictures import read_picture
from srgan_tf.images.resize import imresize

SCALE = 4
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")


def read_photograph(name):
    """Reads a picture file, or a photograph of scikit-image.

    Args:
        name: path, or one of `PHOTOGRAPHS`.

    Returns:
        uint8 [height, width, 3], both sides multiples of `SCALE`.
    """
    if name in PHOTOGRAPHS and not pathlib.Path(name).exists():
        from skimage import data

        picture = getattr(data, name)()
    else:
        picture = read_picture(name)
    height, width = (size // SCALE * SCALE for size in picture.shape[:2])
    return picture[:height, :width]


def downscale(hr, quality=None):
    """LR of a photograph: MATLAB-like bicubic, then JPEG of `quality` unless None."""
    lr = imresize(hr, hr.shape[0] // SCALE, hr.shape[1] // SCALE)
    if quality is None:
        return lr
    file = io.BytesIO()
    Image.fromarray(lr).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return np.asarray(picture)


def draw_strip(hr, upscalers, *, crop=None, zoom=4, quality=None):
    """Draws bicubic, every upscaler's result and HR side by side, with one detail enlarged below each.

    Args:
        hr: uint8 [height, width, 3], both sides multiples of `SCALE`.
        upscalers: mapping of a label to an x4 upscaler of uint8 pictures.
        crop: (top, left, height, width) of the part of HR to show; all of it if None. The whole picture is upscaled.
        zoom: factor of the enlarged detail.
        quality: JPEG quality of LR; None for no compression.

    Returns:
        uint8 [height, width, 3] array.
    """
    height, width = hr.shape[:2]
    lr = downscale(hr, quality)
    columns = {"bicubic": imresize(lr, height, width)}
    columns |= {label: upscaler.upscale(lr) for label, upscaler in upscalers.items()}
    columns["HR"] = hr
    top, left, height, width = crop or (0, 0, height, width)
    columns = {label: picture[top : top + height, left : left + width] for label, picture in columns.items()}
    return comparison.strip(columns, insets=[comparison.busiest_inset(columns["HR"], zoom)], zoom=zoom)


def parser_of(form, pattern):
    """A function for argparse that turns numbers joined by x into a tuple.

    Args:
        form: the expected form, for the error message.
        pattern: regular expression of the whole text.
    """

    def parse(text):
        if not re.fullmatch(pattern, text):
            raise argparse.ArgumentTypeError(f"expected {form}, not {text!r}")
        return tuple(map(int, text.split("x")))

    return parse


parse_crop = parser_of("TOPxLEFTxHEIGHTxWIDTH in pixels, such as 0x0x208x208", r"\d+x\d+x[1-9]\d*x[1-9]\d*")


def main():
    """Parses the flags, upscales and writes the strip."""
    parser = cli.Parser(__doc__)
    parser.add_argument("photograph", metavar="PHOTOGRAPH", help="a file, or a name from scikit-image")
    parser.add_argument(
        "--model", action="append", required=True, metavar="MODEL", help="a model, or LABEL=MODEL; may be repeated"
    )
    parser.add_argument("--crop", type=parse_crop, metavar="TOPxLEFTxHEIGHTxWIDTH", help="part to show, HR pixels")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="the picture to write, PNG or JPEG")
    parser.add_argument("--lr", type=pathlib.Path, metavar="FILE", help="also write the LR picture")
    parser.add_argument(
        "--jpeg", type=cli.positive_int, metavar="QUALITY", help="compress LR (default: no compression)"
    )
    flags = parser.parse_args()

    from srgan_tf.inference.loading import load_upscaler

    models = [model.rpartition("=") for model in flags.model]
    written = filter(None, [flags.output, flags.lr])
    check_targets(written, [flags.photograph, *(model for _, _, model in models)])
    hr = read_photograph(flags.photograph)
    if flags.crop and (flags.crop[0] + flags.crop[2] > hr.shape[0] or flags.crop[1] + flags.crop[3] > hr.shape[1]):
        raise UserError(f"--crop {flags.crop} is not inside the photograph of {hr.shape[0]}x{hr.shape[1]} pixels")
    upscalers = {}
    for label, _, model in models:
        name, _, strength = model.partition("@")
        upscalers[label or model] = load_upscaler(name, scale=SCALE, strength=float(strength) if strength else None)
    make_folder(flags.output.absolute().parent)
    Image.fromarray(draw_strip(hr, upscalers, crop=flags.crop, quality=flags.jpeg)).save(
        flags.output, quality=92, subsampling=0
    )
    if flags.lr:
        Image.fromarray(downscale(hr, flags.jpeg)).save(flags.lr, optimize=True)
    print(f"done: {flags.output} ({flags.output.stat().st_size:,} bytes)")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
