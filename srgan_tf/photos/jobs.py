"""Upscaling jobs: which image files are read, which files are written, and the loop over them."""

import collections
import functools
import os
import pathlib
import time
from concurrent.futures import Future
from typing import NamedTuple

from srgan_tf.errors import UserError, WorkError, is_disk_full, printable
from srgan_tf.files import remove_leftovers
from srgan_tf.images.listing import list_pictures, names_of
from srgan_tf.photos.animation import read_animation, upscale_animation
from srgan_tf.photos.encoding import Encoders, finished
from srgan_tf.photos.file_formats import FORMATS, PNG_LEVEL, format_of, names_file
from srgan_tf.photos.formats import MAX_PIXELS, read_photo
from srgan_tf.photos.parts import read_mask
from srgan_tf.photos.suffixes import readable_suffixes
from srgan_tf.photos.upscale import enlarge


class Job(NamedTuple):
    """An image to read and the file to write."""

    source: pathlib.Path
    target: pathlib.Path


def plan(inputs, output, file_format="png"):
    """Chooses the output files: `output/NAME.png` for a file, the same tree of subfolders for a folder.

    `output` can also be the file of the result, if the only input is a file.

    Args:
        inputs: paths of pictures and folders.
        output: folder. Images in it are results of an earlier run and not inputs, unless it contains an input folder.
            Or a file, see `names_file`.
        file_format: of the results, a key of `FORMATS`.

    Returns:
        List of `Job`, at least one. Names that differ only in their suffix keep it: `a.jpg` becomes `a.jpg.png`.

    Raises:
        UserError: an input does not exist or has no image, a result would replace an input, or `output` is a file of
            another format than `file_format`.
        WorkError: all images are results of an earlier run.
    """
    output = pathlib.Path(output)
    own = output.resolve()
    relative = []  # (image, its path below the output)
    for name in inputs:
        path = pathlib.Path(name)
        if not str(name):
            raise UserError("an input has an empty name: for the current folder give '.'")
        if os.path.isdir(path):  # False where the path is too long
            inside = own in (path.resolve(), *path.resolve().parents)
            relative += [
                (picture, picture.relative_to(path))
                for picture in list_pictures(path, readable_suffixes())
                if inside or own not in picture.resolve().parents  # else results of an earlier run
            ]
        elif os.path.isfile(path):
            relative.append((path, pathlib.Path(path.name)))
        else:
            raise UserError(f"no image or folder {str(name)!r}")
    if not relative:
        raise WorkError("no image to upscale: all inputs are results of an earlier run in the output folder")
    names = names_of(place for _, place in relative)
    if names_file(output, inputs):
        if format_of(output) != file_format:
            raise UserError(f"--output {str(output)!r} is not a file of --format {file_format}")
        targets = [output]
    else:
        targets = [output / f"{name}{FORMATS[file_format]}" for name in names]
    jobs = [Job(picture, target) for (picture, _), target in zip(relative, targets, strict=True)]
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
    """Removes the jobs whose result exists.

    Args:
        jobs: from `plan`.
        existing: "overwrite" removes none, "skip" those whose result exists, "refuse" raises an error for one.

    Returns:
        The jobs to do.

    Raises:
        UserError: a result exists and `existing` is "refuse".
    """
    if existing == "overwrite":
        return jobs
    missing, there = [], []
    for job in jobs:
        (there if job.target.exists() else missing).append(job)
    if there and existing == "refuse":
        raise UserError(f"{len(there)} results exist, first {str(there[0].target)!r}")
    return missing


class Result(NamedTuple):
    """What became of a job.

    Attributes:
        line: a line that reports it.
        failure: the reason if it failed, with the name of the picture; else None.
        disk_is_full: whether it failed because the disk of the result takes no more bytes.
    """

    line: str
    failure: str | None = None
    disk_is_full: bool = False


def run(upscaler, jobs, report, **options):
    """Runs the jobs; an image that fails does not stop the others.

    Args:
        upscaler: an `Upscaler` of whole images; tiling happens here.
        jobs: from `plan`.
        report: called with a line about each image, in the order of the jobs.
        **options: see `results`.

    Raises:
        WorkError: some images failed; the message has their number. Each reason was passed to `report`.
    """
    for folder in {job.target.parent for job in jobs}:
        remove_leftovers(folder)
    failed = 0
    for number, result in enumerate(results(upscaler, jobs, **options), start=1):
        failed += result.failure is not None
        report(f"[{number}/{len(jobs)}] {result.line}")
    if failed:
        raise WorkError(f"{failed} of {len(jobs)} pictures failed")


def results(
    upscaler,
    jobs,
    *,
    max_pixels=MAX_PIXELS,
    animated=False,
    mask=None,
    threads=None,
    progress=lambda done: None,
    **options,
):
    """Upscales images. Files are encoded in threads while the next images are upscaled.

    Args:
        upscaler: an `Upscaler` of whole images; tiling happens here.
        jobs: iterable of `Job`.
        max_pixels: larger inputs are refused; None for no limit.
        animated: whether all frames of animated files are upscaled, and not only the first.
        mask: path of a mask, see `parts.read_mask`; None for no mask.
        threads: see `Encoders`.
        progress: called with the number of finished images plus the finished fraction of the current one.
        **options: `tile`, `enlargement` and `server_limit`, see `upscale.enlarge`; `png_level`, see `write_photo`.

    Yields:
        A `Result` for each job, in their order, when its file is written. Failures are results too.
    """
    waiting = collections.deque()  # jobs whose files are being written, in order
    with Encoders(threads) as encoders:
        for number, job in enumerate(jobs, start=1):
            start = time.perf_counter()
            try:
                upscaled = _upscale(
                    upscaler,
                    job,
                    encoders,
                    max_pixels=max_pixels,
                    animated=animated,
                    mask=mask and functools.partial(read_mask, mask),
                    progress=lambda share, before=number - 1: progress(before + share),
                    **options,
                )
            except (WorkError, MemoryError) as error:
                upscaled = error
            waiting.append((job, start, upscaled))
            progress(number)
            while waiting and (len(waiting) > encoders.most or _is_done(waiting[0][-1])):
                yield _result(*waiting.popleft())
        while waiting:
            yield _result(*waiting.popleft())


def failure_reason(error, job):
    """Why a job failed, in words that name a file of it.

    Args:
        error: a `WorkError` or `MemoryError`.
        job: the `Job`.
    """
    reason = str(error) if isinstance(error, WorkError) else f"not enough memory for {str(job.source)!r}"
    named = str(job.source) in reason or str(job.target) in reason
    return reason if named else f"{str(job.source)!r}: {reason}"


class _Upscaled(NamedTuple):
    """An upscaled image: width and height before and after, notes, and the future of its file."""

    size: tuple[int, int]
    new_size: tuple[int, int]
    notes: tuple[str, ...]
    written: Future


def _is_done(upscaled):
    return isinstance(upscaled, Exception) or upscaled.written.done()


def _result(job, start, upscaled):
    """Waits for the file of an image; the `Result` of its job."""
    try:
        if isinstance(upscaled, Exception):
            raise upscaled
        upscaled.written.result()
    except (WorkError, MemoryError) as error:
        reason = failure_reason(error, job)
        return Result(f"failed: {reason}", reason, is_disk_full(error))
    size = f"{upscaled.size[0]}x{upscaled.size[1]} -> {upscaled.new_size[0]}x{upscaled.new_size[1]}"
    line = f"{printable(job.target)}  {size}  {time.perf_counter() - start:.1f} s"
    return Result(line + "".join(f"; {note}" for note in upscaled.notes))


def _upscale(upscaler, job, encoders, *, max_pixels, animated, mask, png_level=PNG_LEVEL, **options):
    """Upscales one image. A file that fits into memory is written by `encoders`."""
    if animated and (animation := read_animation(job.source, max_pixels=max_pixels)):
        sizes = upscale_animation(
            upscaler, job.source, job.target, animation, mask=mask, png_level=png_level, **options
        )
        return _Upscaled(*sizes, (f"{animation.count} frames", *animation.notes), finished())
    photo = read_photo(job.source, max_pixels=max_pixels)
    height, width = photo.colour.shape[:2]
    weights = mask(width, height, photo.colour.dtype.type) if mask else None
    enlarged = enlarge(upscaler, photo, mask=weights, **options)
    written = encoders.write(job.target, enlarged, photo.metadata, png_level=png_level)
    return _Upscaled((width, height), (enlarged.width, enlarged.height), photo.notes, written)
