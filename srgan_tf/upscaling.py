"""Upscaling the user's own picture files and folders."""

import pathlib
import time
from typing import NamedTuple

from srgan_tf.data.pictures import list_pictures, names_of, read_picture, write_picture
from srgan_tf.errors import UserError, WorkError


class Job(NamedTuple):
    """One picture to read and the file to write."""

    source: pathlib.Path
    target: pathlib.Path


def plan(inputs, output):
    """Decides which files are made: `output/NAME.png` for a file, the same tree of folders for a folder.

    Args:
        inputs: paths of pictures and folders.
        output: folder.

    Returns:
        List of `Job`. Pictures that differ in their suffix alone keep it: `a.jpg` becomes `a.jpg.png`.

    Raises:
        UserError: an input that does not exist or holds no picture, or a result that would replace an input.
    """
    output = pathlib.Path(output)
    relative = []  # (picture, its path below the output)
    for name in inputs:
        path = pathlib.Path(name)
        if path.is_dir():
            relative += [(picture, picture.relative_to(path)) for picture in list_pictures(path)]
        elif path.is_file():
            relative.append((path, pathlib.Path(path.name)))
        else:
            raise UserError(f"no picture or folder {name!r}")
    names = names_of(place for _, place in relative)
    jobs = [Job(picture, output / f"{name}.png") for (picture, _), name in zip(relative, names, strict=True)]
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


def run(upscaler, jobs, report):
    """Does the jobs; a picture that fails does not stop the others.

    Args:
        upscaler: an `Upscaler`.
        jobs: from `plan`.
        report: called with a line about each picture.

    Raises:
        WorkError: some pictures failed; the message has their number. Each one's reason has been reported.
    """
    failed = 0
    for number, job in enumerate(jobs, start=1):
        start = time.perf_counter()
        try:
            lr = read_picture(job.source)
            sr = upscaler.upscale(lr)
            write_picture(job.target, sr)
        except WorkError as error:
            failed += 1
            report(f"[{number}/{len(jobs)}] failed: {error}")
        else:
            report(
                f"[{number}/{len(jobs)}] {job.target}  {lr.shape[1]}x{lr.shape[0]} -> {sr.shape[1]}x{sr.shape[0]}"
                f"  {time.perf_counter() - start:.1f} s"
            )
    if failed:
        raise WorkError(f"{failed} of {len(jobs)} pictures failed")
