"""Makes stand-ins for NTIRE 2018's realistic tracks of a folder of pictures, in the layout of DIV2K's archives.

    python -m tools.ntire_pairs photos/train --track mild --split train --output photos/stand_in
    python -m tools.ntire_pairs photos/valid --track mild --split valid --output photos/stand_in
    srgan-tf train --preset wdsr_x4 --data photos/stand_in:realistic_mild_x4 --workdir runs/mild

LR is blurred, decimated, noisy and shifted against HR, as `srgan_tf.data.camera` describes; it is not the challenge's
degradation. HR loses a border of the largest shift. The files are a function of the pictures, their names and
the flags.
"""

import math
import pathlib
import sys
import zlib

import numpy as np
import tensorflow as tf

from srgan_tf.commands import cli
from srgan_tf.data.alignment import MAX_SHIFT
from srgan_tf.data.camera import CAMERAS, photograph
from srgan_tf.data.div2k import CONFIGURATIONS
from srgan_tf.errors import WorkError
from srgan_tf.files import check_targets, make_folder
from srgan_tf.images.listing import list_pictures, names_of
from srgan_tf.images.pictures import read_picture, write_picture
from srgan_tf.images.pixels import modcrop, to_float, to_uint8

SCALE = 4
_WILD_VERSIONS = ("1", "2", "3", "4")  # LR pictures of one training picture in the wild track


def main():
    """Parses the flags and writes the pairs."""
    parser = cli.Parser(__doc__)
    parser.add_argument("pictures", help="folder of clean pictures")
    parser.add_argument("--output", required=True, help="folder for the pairs")
    parser.add_argument("--track", choices=CAMERAS, required=True, help="realistic track to imitate")
    parser.add_argument("--split", choices=("train", "valid"), required=True, help="which set of DIV2K to imitate")
    parser.add_argument(
        "--shift",
        type=int,
        choices=range(MAX_SHIFT + 1),
        default=3,
        metavar="PIXELS",
        help=f"largest shift, LR pixels each way, 0 to {MAX_SHIFT} (default: %(default)s)",
    )
    flags = parser.parse_args()
    output = pathlib.Path(flags.output)
    folders = [output / f"DIV2K_{flags.split}_HR", output / lr_folder(flags.track, flags.split)]
    check_targets(folders, [flags.pictures])
    make_folder(output)
    paths = list_pictures(flags.pictures)
    names = names_of(path.relative_to(flags.pictures) for path in paths)
    for name, path in zip(names, paths, strict=True):
        picture = read_picture(path)
        if min(picture.shape[:2]) < SCALE * (2 * flags.shift + 1):
            raise WorkError(f"the picture {str(path)!r} is too small for shifts of {flags.shift} LR pixels")
        hr, versions = make_pairs(picture, name, flags.track, flags.split, flags.shift)
        write_picture(folders[0] / f"{name}.png", hr)
        for suffix, lr in versions.items():
            write_picture(folders[1] / f"{name}{suffix}.png", lr)
    print(f"done: {output}, pictures: {len(paths)}, track: {flags.track}, split: {flags.split}")


def lr_folder(track, split):
    """The name of the folder of LR pictures in DIV2K's archives."""
    return CONFIGURATIONS[f"realistic_{track}_x4"].folder.format(split=split)


def make_pairs(picture, name, track, split, largest):
    """The HR picture and its LR pictures.

    Args:
        picture: uint8 [height, width, 3], at least `SCALE * (2 * largest + 1)` pixels each way.
        name: of the picture; it seeds the random numbers.
        track: key of `CAMERAS`.
        split: "train" or "valid"; a training picture of the wild track has four LR pictures.
        largest: largest shift, LR pixels.

    Returns:
        `(hr, versions)`: the picture without its border, and a dictionary from the suffix of a file name to LR.
    """
    border = SCALE * largest
    hr = modcrop(picture[border : picture.shape[0] - border, border : picture.shape[1] - border], SCALE)
    numbers = _WILD_VERSIONS if track == "wild" and split == "train" else ("",)
    versions = {}
    for number in numbers:
        suffix = f"x{SCALE}{track[0]}{number}"
        rng = np.random.default_rng([zlib.crc32(text.encode()) for text in (track, name + suffix)])
        shift = rng.uniform(-border, border, 2)
        # Whole pixels by where LR is taken from, the rest by the kernel.
        whole = [math.floor(part + 0.5) for part in shift]
        top, left = (border - part for part in whole)
        source = picture[top : top + hr.shape[0], left : left + hr.shape[1]]
        seed = rng.integers(0, 2**31, 2).astype(np.int32)
        versions[suffix] = _degrade(track)(to_float(source), seed, (shift - whole).astype(np.float32)).numpy()
    return hr, versions


_compiled = {}


def _degrade(track):
    if track not in _compiled:
        signature = [tf.TensorSpec((None, None, 3)), tf.TensorSpec((2,), tf.int32), tf.TensorSpec((2,))]
        _compiled[track] = tf.function(
            lambda hr, seed, shift: to_uint8(photograph(hr, seed, scale=SCALE, camera=track, shift=tf.unstack(shift))),
            input_signature=signature,
        )
    return _compiled[track]


if __name__ == "__main__":
    sys.exit(cli.execute(main))
