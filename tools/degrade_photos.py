"""Makes degraded validation sets of a folder of clean pictures: OUTPUT/LEVEL/HR and OUTPUT/LEVEL/LR, as PNG.

    python -m tools.degrade_photos photos/valid --output photos/valid_degraded
    srgan-tf evaluate --model photo_x4 --data photos/valid_degraded/phone

The levels are those of `srgan_tf.data.photo_levels`. The files are a function of the pictures and their names.
"""

import pathlib
import sys

from srgan_tf.commands import cli
from srgan_tf.data.photo_levels import LEVELS, degrade_photo
from srgan_tf.files import check_targets, make_folder
from srgan_tf.images.listing import list_pictures, names_of
from srgan_tf.images.pictures import read_picture, write_picture
from srgan_tf.images.pixels import modcrop


def main():
    """Parses the flags and writes the sets."""
    parser = cli.Parser(__doc__)
    parser.add_argument("pictures", help="folder of clean pictures")
    parser.add_argument("--output", required=True, help="folder for the sets")
    parser.add_argument("--level", action="append", choices=LEVELS, help="may be repeated (default: all)")
    parser.add_argument("--scale", type=cli.positive_int, default=4, help="HR size over LR size (default: %(default)s)")
    flags = parser.parse_args()
    output = pathlib.Path(flags.output)
    check_targets([output / level for level in flags.level or LEVELS], [flags.pictures])
    make_folder(output)
    paths = list_pictures(flags.pictures)
    names = names_of(path.relative_to(flags.pictures) for path in paths)
    for name, path in zip(names, paths, strict=True):
        hr = modcrop(read_picture(path), flags.scale)
        for level in flags.level or LEVELS:
            write_picture(output / level / "HR" / f"{name}.png", hr)
            lr = degrade_photo(hr, level, str(name), scale=flags.scale)
            write_picture(output / level / "LR" / f"{name}.png", lr)
    print(f"done: {output}, pictures: {len(paths)}, levels: {', '.join(flags.level or LEVELS)}")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
