"""Jobs: which picture files are upscaled into which, and the loop that does them."""

import pathlib
import time
from typing import NamedTuple

from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.pictures import PICTURE_SUFFIXES, list_pictures, names_of
from srgan_tf.photos.formats import FORMATS, MAX_PIXELS, read_photo
from srgan_tf.photos.upscale import OWN, upscale_photo

_SUFFIXES = (*PICTURE_SUFFIXES, ".gif")


class Job(NamedTuple):
    """One picture to read and the file to write."""

    source: pathlib.Path
    target: pathlib.Path


def plan(inputs, output, suffix=FORMATS["png"]):
    """Decides which files are made: `output/NAME.png` for a file, the same tree of folders for a folder.

    Args:
        inputs: paths of pictures and folders.
        output: folder.
        suffix: of the results.

    Returns:
        List of `Job`. Pictures that differ in their suffix alone keep it: `a.jpg` becomes `a.jpg.png`.

    Raises:
        UserError: an input that does not exist or holds no picture, or a result that would replace an input.
    """
    output = pathlib.Path(output)
    own = output.resolve()
    relative = []  # (picture, its path below the output)
    for name in inputs:
        path = pathlib.Path(name)
        if path.is_dir():
            relative += [
                (picture, picture.relative_to(path))
                for picture in list_pictures(path, _SUFFIXES)
                if path.resolve() == own or own not in picture.resolve().parents  # results of an earlier run
            ]
        elif path.is_file():
            relative.append((path, pathlib.Path(path.name)))
        else:
            raise UserError(f"no picture or folder {name!r}")
    names = names_of(place for _, place in relative)
    jobs = [Job(picture, output / f"{name}{suffix}") for (picture, _), name in zip(relative, names, strict=True)]
    sources = {job.source.resolve() for job in jobs}
    targets = set()
    for job in jobs:
        target = job.target.resolve()
        if target in sources:
            raise UserError(f"the result would replace the input {str(job.target)!r}: give another --output")
        if target in targets:
            raise UserError(f"two inputs would become {str(job.target)!r}: upscale them into separate folders")
        targets.add(target)
    return jobs


def without_existing(jobs, existing):
    """Leaves out the jobs whose result is there.

    Args:
        jobs: from `plan`.
        existing: "overwrite" leaves out none, "skip" those whose file exists, "refuse" makes it an error.

    Returns:
        The jobs to do.

    Raises:
        UserError: a result exists and is to be refused.
    """
    if existing == "overwrite":
        return jobs
    there = [job for job in jobs if job.target.exists()]
    if there and existing == "refuse":
        raise UserError(f"{len(there)} results exist, first {str(there[0].target)!r}")
    return [job for job in jobs if job not in there]


def run(
    upscaler,
    jobs,
    report,
    *,
    tile=None,
    enlargement=OWN,
    server_limit=None,
    max_pixels=MAX_PIXELS,
    progress=lambda done: None,
):
    """Does the jobs; a picture that fails does not stop the others.

    Args:
        upscaler: an `Upscaler` of whole pictures: tiles are made here.
        jobs: from `plan`.
        report: called with a line about each picture.
        tile: see `TiledUpscaler`.
        enlargement: how large results become.
        server_limit: see `upscale_photo`.
        max_pixels: larger inputs are refused; None for no limit.
        progress: called with the number of pictures that are done, and the share of the one at work.

    Raises:
        WorkError: some pictures failed; the message has their number. Each one's reason has been reported.
    """
    failed = 0
    for number, job in enumerate(jobs, start=1):
        start = time.perf_counter()
        try:
            photo = read_photo(job.source, max_pixels=max_pixels)
            height, width = photo.colour.shape[:2]
            size = upscale_photo(
                upscaler,
                photo,
                job.target,
                tile=tile,
                enlargement=enlargement,
                server_limit=server_limit,
                progress=lambda share, before=number - 1: progress(before + share),
            )
        except (WorkError, MemoryError) as error:
            failed += 1
            reason = error if isinstance(error, WorkError) else f"not enough memory for {str(job.source)!r}"
            report(f"[{number}/{len(jobs)}] failed: {reason}")
        else:
            report(
                f"[{number}/{len(jobs)}] {job.target}  {width}x{height} -> {size[0]}x{size[1]}"
                f"  {time.perf_counter() - start:.1f} s" + "".join(f"; {note}" for note in photo.notes)
            )
        progress(number)
    if failed:
        raise WorkError(f"{failed} of {len(jobs)} pictures failed")
