"""Upscales images and folders of images.

    srgan-tf upscale photo.jpg --output big.png
    srgan-tf upscale photo.jpg holiday/ --output upscaled
    srgan-tf upscale photo.jpg --output upscaled --strength 0.5
    srgan-tf upscale photo.jpg --model runs/srgan_x4 --output upscaled --size 3840x2160 --ensemble
    srgan-tf upscale clip.mp4 --model compact_x4 --output upscaled

Reads PNG, JPEG, WebP, AVIF, TIFF, BMP and GIF, and with the extra [formats] HEIC and JPEG XL: 8 or 16 bits, gray,
palette, RGB, CMYK, transparency, EXIF rotation. The output folder mirrors the tree of an input folder; inputs are never
overwritten. Video needs the extra [video]; an interrupted run continues with the same command.
"""

import sys

from srgan_tf.commands import upscale_cluster, upscale_flags
from srgan_tf.errors import UserError, WorkError

_BAR = "{l_bar}{bar}| {elapsed}<{remaining}"


def main():
    """Parses the flags, upscales, and prints where the results are."""
    flags = upscale_flags.parse(__doc__)
    if flags.cluster is not None:
        upscale_cluster.run(flags, _BAR)
        return

    from srgan_tf import hardware
    from srgan_tf.files import check_targets, make_folder
    from srgan_tf.images.pictures import read_picture
    from srgan_tf.inference.assembly import assemble_upscaler
    from srgan_tf.photos.file_formats import folder_of
    from srgan_tf.photos.jobs import plan, without_existing
    from srgan_tf.photos.parts import Crop
    from srgan_tf.photos.suffixes import skipped_note
    from srgan_tf.photos.upscale import Enlargement
    from srgan_tf.photos.writing import require_format
    from srgan_tf.video.clips import require_av
    from srgan_tf.video.jobs import plan_clips, split

    require_format(flags.format)
    folder = folder_of(flags.output, flags.pictures)
    clips, pictures = split(flags.pictures)
    if clips:
        require_av()
        if flags.mask or flags.crop:
            raise UserError(f"--mask and --crop are for pictures: {clips[0]!r} is a video file")
    planned_clips = plan_clips(clips, flags.output, flags.codec) if clips else []
    planned = (plan(pictures, flags.output, flags.format) if pictures else []) + planned_clips
    check_targets([job.target for job in planned], filter(None, [flags.model, flags.interpolate, flags.mask]))
    if flags.mask is not None:
        read_picture(flags.mask)  # a wrong one fails before any work
    jobs = without_existing(planned, flags.existing or "overwrite")
    kept = upscale_flags.kept(len(planned) - len(jobs))
    picture_jobs, clip_jobs = (
        [job for job in jobs if job not in planned_clips],
        [job for job in jobs if job in planned_clips],
    )
    upscaler = assemble_upscaler(factor=flags.scale, **upscale_flags.model_options(flags))
    make_folder(folder)
    enlargement = Enlargement(flags.scale, flags.size, flags.crop and Crop(*flags.crop))
    precision = hardware.resolve_precision(flags.precision)
    print(
        f"upscaling {upscale_flags.describe_size(flags, upscaler.scale)} with {upscaler.name}, pictures: {len(jobs)}"
        f"{kept}; device {hardware.describe()}, precision {precision}",
        flush=True,
    )
    failures = []
    for run_jobs, wanted in ((_run_pictures, picture_jobs), (_run_clips, clip_jobs)):
        try:
            if wanted:
                run_jobs(flags, upscaler, wanted, enlargement)
        except WorkError as error:
            failures.append(str(error))
    if note := skipped_note(pictures):
        print(note)
    if failures:
        raise WorkError("; ".join(failures))
    print(f"done: {flags.output}, upscaled: {len(jobs)}{kept}")


def _run_pictures(flags, upscaler, jobs, enlargement):
    from tqdm import tqdm

    from srgan_tf.photos.formats import MAX_PIXELS
    from srgan_tf.photos.jobs import run

    with tqdm(total=len(jobs), unit="picture", disable=None, bar_format=_BAR) as bar:

        def show(done):
            bar.n = done
            bar.refresh()

        run(
            upscaler,
            jobs,
            lambda line: bar.write(line, file=sys.stdout),
            tile=flags.tile,
            enlargement=enlargement,
            mask=flags.mask,
            animated=flags.animation == "all",
            max_pixels=None if flags.allow_huge else MAX_PIXELS,
            png_level=flags.png_level,
            progress=show,
        )


def _run_clips(flags, upscaler, jobs, enlargement):
    from tqdm import tqdm

    from srgan_tf.video.jobs import run_clips

    with tqdm(unit="frame", disable=None) as bar:
        shown = None

        def show(job, done, count):
            nonlocal shown
            if job is not shown:  # frames of an earlier run do not count for the speed
                shown = job
                bar.reset(total=count)
                bar.initial = bar.n = done
                bar.set_description(job.source.name)
            bar.n = round(done, 1)
            bar.refresh()

        run_clips(
            upscaler,
            jobs,
            lambda line: bar.write(line, file=sys.stdout),
            tile=flags.tile,
            enlargement=enlargement,
            codec=flags.codec,
            crf=flags.crf,
            frames=flags.frames,
            settings=_settings(flags),
            progress=show,
        )


def _settings(flags):
    """What the frames of a video depend on, beside its size: segments of other settings are not used."""
    from srgan_tf.networks.saved import checksum

    options = upscale_flags.model_options(flags)
    return options | {name: options[name] and checksum(options[name]) for name in ("model", "other")}
