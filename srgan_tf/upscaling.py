"""Upscaling the user's own picture files and folders."""

import math
import pathlib
import time
from typing import NamedTuple

import numpy as np

from srgan_tf.data.photos import FORMATS, MAX_PIXELS, read_photo, write_photo
from srgan_tf.data.pictures import PICTURE_SUFFIXES, list_pictures, names_of
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference import TiledUpscaler
from srgan_tf.refinement import RepeatedUpscaler
from srgan_tf.resize import resize_stripes
from srgan_tf.transparency import spread_colour

_SUFFIXES = (*PICTURE_SUFFIXES, ".gif")


class Job(NamedTuple):
    """One picture to read and the file to write."""

    source: pathlib.Path
    target: pathlib.Path


class Enlargement(NamedTuple):
    """How large results become: `factor` times the input, or as large as fits into `box`; by default the network's.

    Attributes:
        factor: number above 0, or None.
        box: (width, height) that the result, in the input's proportions, fits into; or None.
    """

    factor: float | None = None
    box: tuple[int, int] | None = None

    def size(self, width, height, scale):
        """The result's (width, height), pixels, for an input's and the network's factor."""
        factor = (
            min(side / own for side, own in zip(self.box, (width, height), strict=True)) if self.box else self.factor
        )
        return tuple(max(1, round(side * (factor or scale))) for side in (width, height))


OWN = Enlargement()  # what the network gives


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


def run(upscaler, jobs, report, *, tile=None, enlargement=OWN, max_pixels=MAX_PIXELS, progress=lambda done: None):
    """Does the jobs; a picture that fails does not stop the others.

    Args:
        upscaler: an `Upscaler` of whole pictures: tiles are made here.
        jobs: from `plan`.
        report: called with a line about each picture.
        tile: see `TiledUpscaler`.
        enlargement: how large results become.
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


def upscale_photo(upscaler, photo, path, *, tile=None, enlargement=OWN, progress=lambda share: None):
    """Upscales one picture into a file, stripe by stripe: the result is never in memory as a whole, if it is a PNG.

    Colour and transparency are upscaled apart. What is transparent gets the colour of what is visible beside it, since
    the network would draw its own, often black, into the edges. Gray is upscaled as gray RGB.

    Args:
        upscaler: an `Upscaler` of whole pictures.
        photo: a `Photo`.
        path: the file to write.
        tile: see `TiledUpscaler`.
        enlargement: how large the result becomes.
        progress: called with the share, between 0 and 1, that is done.

    Returns:
        (width, height) of the result.

    Raises:
        WorkError: it cannot be written, or memory does not suffice.
    """
    picture = photo.colour
    if photo.alpha is not None:
        picture = np.concatenate([spread_colour(photo.colour, photo.alpha), photo.alpha], axis=2)
    height, width, channels = picture.shape
    size = enlargement.size(width, height, upscaler.scale)
    factor = max(size[0] / width, size[1] / height)
    times = max(1, math.ceil(math.log(factor, upscaler.scale) - 1e-9)) if upscaler.scale > 1 else 1
    tiled = TiledUpscaler(_LevelUpscaler(RepeatedUpscaler(upscaler, times) if times > 1 else upscaler), tile)
    enlarged = (tiled.scale * width, tiled.scale * height)

    def watched(stripes):
        rows = 0
        for stripe in stripes:
            yield stripe
            rows += len(stripe)
            progress(rows / enlarged[1])

    stripes = watched(tiled.stripes(picture))
    if size != enlarged:
        stripes = resize_stripes(stripes, enlarged[1], size[1], size[0])
    write_photo(
        path,
        _rounded(stripes, picture.dtype),
        width=size[0],
        height=size[1],
        channels=channels,
        bits=8 * picture.itemsize,
        metadata=photo.metadata,
    )
    return size


def _rounded(stripes, dtype, rows=64):
    """Levels of an integer type from floats in [0, 1], a few rows at a time: a stripe and its copies would be large."""
    for stripe in stripes:
        for start in range(0, len(stripe), rows):
            yield np.rint(np.clip(stripe[start : start + rows], 0, 1) * np.float32(np.iinfo(dtype).max)).astype(dtype)


class _LevelUpscaler:
    """Takes uint8 or uint16 levels of gray or RGB, with transparency or without, to float32 in [0, 1]."""

    def __init__(self, upscaler):
        self.name = upscaler.name
        self.scale = upscaler.scale
        self.halo = upscaler.halo
        self.pixel_memory = upscaler.pixel_memory
        self._upscaler = upscaler

    def upscale(self, lr):
        """[height, width, 1 to 4] to as many channels. Colour and transparency are enlarged apart."""
        reciprocal = np.float32(1 / np.iinfo(lr.dtype).max)  # as in pixels.to_float
        parts = np.split(lr * reciprocal, [3 if lr.shape[2] > 2 else 1], axis=2)
        return np.concatenate([self._enlarge(part) for part in parts if part.shape[2]], axis=2)

    def _enlarge(self, part):
        if part.shape[2] == 3:
            return self._upscaler.upscale(part)
        if np.all(part == part[0, 0]):  # an even area, as transparency mostly is
            return np.full((self.scale * part.shape[0], self.scale * part.shape[1], 1), part[0, 0], np.float32)
        return self._upscaler.upscale(np.repeat(part, 3, axis=2)).mean(axis=2, keepdims=True)
