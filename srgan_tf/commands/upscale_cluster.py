"""`srgan-tf upscale FOLDER --cluster ADDRESS`: one folder on a Ray cluster."""

import os
import sys

from srgan_tf.commands import upscale_flags


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
            size = upscale_flags.describe_size(flags, first.scale)
            write(
                f"upscaling {size} with {first.name}, pictures: {pictures}{upscale_flags.kept(kept)}; "
                f"cluster {flags.cluster}, device {first.device}, precision {first.precision}"
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
    print(f"done: {flags.output}, upscaled: {summary.upscaled}{upscale_flags.kept(summary.kept)}")


def _options(flags):
    """The options for the actors, whose current folder is another one."""
    from srgan_tf.cluster.actor import Options
    from srgan_tf.photos.formats import MAX_PIXELS

    return Options(
        source=_absolute(flags.pictures[0], always=True),
        target=_absolute(flags.output, always=True),
        file_format=flags.format,
        model={
            **upscale_flags.model_options(flags),
            "model": _absolute(flags.model),
            "other": flags.interpolate and _absolute(flags.interpolate),
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
