"""`srgan-tf upscale FOLDER --cluster ADDRESS`: one folder on a Ray cluster."""

import os
import sys

from srgan_tf.commands import cli


def add_arguments(parser):
    """Adds the flags of `upscale` that are for clusters."""
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="upscale one folder on a Ray cluster: HOST:PORT of its head, auto (this machine is a node of it) or local "
        "(only this machine); both folders may be addresses such as s3://bucket/folder",
    )
    parser.add_argument(
        "--cluster-cores",
        type=cli.positive_int,
        default=4,
        metavar="N",
        help="CPU cores for each copy of the model in a cluster (default: %(default)s)",
    )


def run(flags, bar_format):
    """Upscales the folder of `flags.pictures` and prints where the results are.

    Args:
        flags: of `upscale`.
        bar_format: of the progress bar.
    """
    from tqdm import tqdm

    from srgan_tf.cluster.driver import upscale_folder
    from srgan_tf.files import check_targets
    from srgan_tf.images.pictures import read_picture
    from srgan_tf.photos.writing import require_format

    require_format(flags.format)
    check_targets([flags.output], filter(None, [flags.model, flags.interpolate, flags.mask]))
    if flags.mask is not None:
        read_picture(flags.mask)
    with tqdm(unit="picture", disable=None, bar_format=bar_format) as bar:

        def write(line):
            bar.write(line, file=sys.stdout)
            sys.stdout.flush()

        def started(first, pictures, kept):
            bar.reset(total=pictures)
            size = f"into {flags.size[0]}x{flags.size[1]}" if flags.size else f"x{flags.scale or first.scale:g}"
            write(
                f"upscaling {size} with {first.name}, pictures: {pictures}{_kept(kept)}; cluster {flags.cluster}, "
                f"device {first.device}, precision {first.precision}"
            )

        def show(done):
            bar.n = done
            bar.refresh()

        summary = upscale_folder(
            _options(flags),
            cluster=flags.cluster,
            cores=flags.cluster_cores,
            existing=flags.existing or "skip",
            report=write,
            started=started,
            progress=show,
        )
    if summary.note:
        print(summary.note)
    print(f"done: {flags.output}, upscaled: {summary.upscaled}{_kept(summary.kept)}")


def _kept(number):
    return f", kept: {number}" if number else ""


def _options(flags):
    """The options for the actors, whose current folder is another one."""
    from srgan_tf.cluster.actor import Options
    from srgan_tf.photos.formats import MAX_PIXELS
    from srgan_tf.photos.writing import FORMATS

    return Options(
        source=_absolute(flags.pictures[0], always=True),
        target=_absolute(flags.output, always=True),
        suffix=FORMATS[flags.format],
        model={
            "model": _absolute(flags.model),
            "strength": flags.strength,
            "other": flags.interpolate and _absolute(flags.interpolate),
            "alpha": flags.alpha,
            "precision": flags.precision,
            "steps": flags.steps,
            "seed": flags.seed,
            "ensemble": flags.ensemble,
            "back_projection": flags.back_projection,
        },
        factor=flags.scale,
        box=flags.size,
        crop=flags.crop,
        tile=flags.tile,
        mask=flags.mask and _absolute(flags.mask),
        animated=flags.animation == "all",
        png_level=flags.png_level,
        max_pixels=None if flags.allow_huge else MAX_PIXELS,
    )


def _absolute(path, *, always=False):
    """The absolute path of a file or folder; names of included models and addresses stay as they are."""
    return os.path.abspath(path) if "://" not in path and (always or os.path.exists(path)) else path
