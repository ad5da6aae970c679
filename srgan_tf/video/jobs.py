"""Video jobs: which files are clips, which files are written, and the loop over them."""

import os
import pathlib
import time

from srgan_tf.errors import UserError, WorkError, printable
from srgan_tf.photos.file_formats import names_file
from srgan_tf.photos.jobs import Job, failure_reason
from srgan_tf.video.clips import SUFFIXES
from srgan_tf.video.encoding import container_for
from srgan_tf.video.upscale import upscale_clip


def split(inputs):
    """Splits paths into (those of video files, the others). Clips in folders are not looked for."""
    clips = [path for path in inputs if pathlib.Path(path).suffix.lower() in SUFFIXES and os.path.isfile(path)]
    return clips, [path for path in inputs if path not in clips]


def plan_clips(clips, output, codec):
    """Chooses the output files: `output/NAME.SUFFIX`, see `container_for`; or `output` itself for a single clip.

    Args:
        clips: paths of video files.
        output: folder, or the name of the only result, see `names_file`.
        codec: a key of `encoding.CODECS`.

    Returns:
        List of `Job`.

    Raises:
        UserError: a result would replace an input or another result, or `output` is a file of another format.
    """
    jobs = []
    sources = {pathlib.Path(clip).resolve() for clip in clips}
    is_file = names_file(output, clips)
    for clip in map(pathlib.Path, clips):
        target = pathlib.Path(output) if is_file else pathlib.Path(output, clip.name)
        suffix, _ = container_for(target.suffix, codec)
        if is_file and target.suffix != suffix:
            raise UserError(f"{codec} video is not written as {target.suffix!r}: give --output the suffix {suffix!r}")
        target = target.with_suffix(suffix)
        if target.resolve() in sources:
            raise UserError(f"the result would replace the input {str(target)!r}: give another --output")
        if target in [job.target for job in jobs]:
            raise UserError(f"two inputs would become {str(target)!r}: upscale them into separate folders")
        jobs.append(Job(clip, target))
    return jobs


def run_clips(upscaler, jobs, report, *, progress=lambda job, done, count: None, **options):
    """Runs the jobs; a clip that fails does not stop the others.

    Args:
        upscaler: an `Upscaler` of whole images.
        jobs: from `plan_clips`.
        report: called with a line about each clip.
        progress: called with the job and what `upscale_clip` reports.
        **options: see `upscale_clip`.

    Raises:
        WorkError: some clips failed; the message has their number. Each reason was passed to `report`.
    """
    failed = 0
    for number, job in enumerate(jobs, start=1):
        start = time.perf_counter()
        try:
            target, clip, size, count, notes = upscale_clip(
                upscaler,
                job.source,
                job.target,
                progress=lambda done, count, job=job: progress(job, done, count),
                **options,
            )
        except (WorkError, MemoryError) as error:
            failed += 1
            report(f"[{number}/{len(jobs)}] failed: {failure_reason(error, job)}")
        else:
            report(
                f"[{number}/{len(jobs)}] {printable(target)}  {clip.width}x{clip.height} -> {size[0]}x{size[1]}"
                f"  {count} frames  {time.perf_counter() - start:.1f} s" + "".join(f"; {note}" for note in notes)
            )
    if failed:
        raise WorkError(f"{failed} of {len(jobs)} clips failed")
