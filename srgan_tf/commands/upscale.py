"""Upscales images and folders of images.

    srgan-tf upscale photo.jpg holiday/ --output upscaled
    srgan-tf upscale photo.jpg --output upscaled --strength 0.5
    srgan-tf upscale photo.jpg --model runs/srgan_x4 --output upscaled --size 3840x2160 --ensemble
    srgan-tf upscale clip.mp4 --model compact_x4 --output upscaled

Reads PNG, JPEG, WebP, AVIF, TIFF, BMP and GIF, and with the extra [formats] HEIC and JPEG XL: 8 or 16 bits, gray,
palette, RGB, CMYK, transparency, EXIF rotation. The output folder mirrors the tree of an input folder; inputs are never
overwritten. Video needs the extra [video]; an interrupted run continues with the same command.
"""

import os
import sys

from srgan_tf.commands import cli, flag_types
from srgan_tf.errors import UserError, WorkError
from srgan_tf.precisions import CHOICES
from srgan_tf.weights import shipped

_BAR = "{l_bar}{bar}| {elapsed}<{remaining}"


def main():
    """Parses the flags, upscales, and prints where the results are."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "pictures",
        nargs="+",
        metavar="PICTURE_OR_FOLDER",
        help="images, folders, which are searched recursively, or video files",
    )
    parser.add_argument(
        "--model",
        default=shipped.DEFAULT,
        help=f"bicubic, {', '.join(shipped.names())}, a run folder, a .keras file, or an export (default: %(default)s)",
    )
    parser.add_argument("--output", required=True, help="folder for the results")
    parser.add_argument(
        "--format",
        default="png",
        choices=("png", "tiff", "jpeg", "webp", "avif", "jxl", "heic"),
        help="file format of the results (default: %(default)s)",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--scale",
        type=flag_types.factor,
        metavar="FACTOR",
        help="factor, such as 3 or 2.5 (default: the network's); at another than the network's, the result is resized, "
        "except from continuous networks",
    )
    size.add_argument(
        "--size",
        type=flag_types.box,
        metavar="WxH",
        help="fit the result into this many pixels, keeping its aspect ratio",
    )
    parser.add_argument(
        "--ensemble", action="store_true", help="self-ensemble: mean over eight flips and rotations, 8 times slower"
    )
    parser.add_argument(
        "--back-projection",
        type=flag_types.count,
        default=0,
        metavar="STEPS",
        help="iterative back-projection: correct the result until it downscales to the input",
    )
    parser.add_argument(
        "--strength",
        type=float,
        metavar="S",
        help=f"between 0, the faithful counterpart of the model, and 1, the model (default: 1); for "
        f"{', '.join(shipped.pairs())}",
    )
    parser.add_argument(
        "--interpolate", metavar="MODEL", help="interpolate the weights of --model and this model, by --alpha"
    )
    parser.add_argument("--alpha", type=float, metavar="A", help="0 is --model, 1 is the model of --interpolate")
    parser.add_argument(
        "--tile",
        type=flag_types.count,
        metavar="N",
        help="side of a tile in input pixels; 0: no tiles (default: by free memory)",
    )
    parser.add_argument(
        "--steps",
        type=cli.positive_int,
        metavar="N",
        help="steps of sampling of a diffusion network (default: its own)",
    )
    parser.add_argument("--seed", type=cli.seed, metavar="N", help="seed of a diffusion network's noise (default: 0)")
    parser.add_argument(
        "--existing",
        default="overwrite",
        choices=("overwrite", "skip", "refuse"),
        help="what to do with existing results (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="auto",
        choices=CHOICES,
        help="of the network's feature maps; auto: bfloat16 where the device is faster in it (default: %(default)s)",
    )
    parser.add_argument(
        "--crop",
        type=flag_types.crop,
        metavar="X,Y,W,H",
        help="upscale only this rectangle, at full size, as a trial; pixels",
    )
    parser.add_argument(
        "--mask",
        metavar="PICTURE",
        help="upscale by the model where this picture is white, by bicubic where it is black",
    )
    parser.add_argument(
        "--animation",
        default="first",
        choices=("first", "all"),
        help="frames of animated files; all: --format png, webp or avif (default: %(default)s)",
    )
    parser.add_argument(
        "--codec",
        default="h264",
        choices=("h264", "h265", "av1", "vp9"),
        help="of the results of video files (default: %(default)s)",
    )
    parser.add_argument(
        "--crf",
        type=flag_types.count,
        metavar="N",
        help="quality of the codec, lower is better (default: h264 17, h265 20, others 24)",
    )
    parser.add_argument(
        "--frames",
        type=flag_types.frames,
        metavar="A-B",
        help="only these frames of video files, as a trial; the first is 0",
    )
    parser.add_argument("--allow-huge", action="store_true", help="allow images of more than 250 million pixels")
    flags = parser.parse_args()
    if (flags.interpolate is None) != (flags.alpha is None):
        parser.error("--interpolate and --alpha must be given together")
    if flags.strength is not None and flags.interpolate is not None:
        parser.error("--strength and --interpolate cannot be given together")
    if flags.animation == "all" and flags.format not in ("png", "webp", "avif"):
        parser.error(f"--animation all needs --format png, webp or avif (received {flags.format})")
    if flags.interpolate is not None and (flags.steps is not None or flags.seed is not None):
        parser.error("--steps and --seed cannot be given with --interpolate")

    from srgan_tf import hardware
    from srgan_tf.files import check_targets, make_folder
    from srgan_tf.images.pictures import read_picture
    from srgan_tf.photos.jobs import plan, skipped_note, without_existing
    from srgan_tf.photos.parts import Crop
    from srgan_tf.photos.upscale import Enlargement
    from srgan_tf.photos.writing import FORMATS, require_format
    from srgan_tf.video.clips import require_av
    from srgan_tf.video.jobs import plan_clips, split

    require_format(flags.format)
    clips, pictures = split(flags.pictures)
    if clips:
        require_av()
        if flags.mask or flags.crop:
            raise UserError(f"--mask and --crop are for pictures: {clips[0]!r} is a video file")
    planned_clips = plan_clips(clips, flags.output, flags.codec)
    planned = (plan(pictures, flags.output, FORMATS[flags.format]) if pictures else []) + planned_clips
    check_targets([job.target for job in planned], filter(None, [flags.model, flags.interpolate, flags.mask]))
    if flags.mask is not None:
        read_picture(flags.mask)  # a wrong one fails before any work
    jobs = without_existing(planned, flags.existing)
    picture_jobs, clip_jobs = (
        [job for job in jobs if job not in planned_clips],
        [job for job in jobs if job in planned_clips],
    )
    upscaler = _upscaler(flags)
    make_folder(flags.output)
    enlargement = Enlargement(flags.scale, flags.size, flags.crop and Crop(*flags.crop))
    precision = hardware.resolve_precision(flags.precision)
    print(
        f"upscaling {_describe(enlargement, upscaler)} with {upscaler.name}, pictures: {len(jobs)}"
        f"{_kept(planned, jobs)}; device {hardware.describe()}, precision {precision}",
        flush=True,
    )
    failures = []
    for run_jobs, wanted in ((_run_pictures, picture_jobs), (_run_clips, clip_jobs)):
        try:
            if wanted:
                run_jobs(flags, upscaler, wanted, enlargement)
        except WorkError as error:
            failures.append(str(error))
    if failures:
        raise WorkError("; ".join(failures))
    if note := skipped_note(pictures):
        print(note)
    print(f"done: {flags.output}, upscaled: {len(jobs)}{_kept(planned, jobs)}")


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
    names = ("model", "strength", "interpolate", "alpha", "ensemble", "back_projection", "precision")
    models = [name for name in (flags.model, flags.interpolate) if name and os.path.exists(name)]
    return [*(getattr(flags, name) for name in names), *(os.stat(name).st_mtime for name in models)]


def _kept(planned, jobs):
    return f", kept: {len(planned) - len(jobs)}" if len(jobs) < len(planned) else ""


def _upscaler(flags):
    """The model that the flags ask for, with what they add to it; it takes whole pictures, tiles come later."""
    from srgan_tf import hardware
    from srgan_tf.inference.ensemble import EnsembleUpscaler
    from srgan_tf.inference.loading import load_upscaler, upscaler_of
    from srgan_tf.inference.refinement import BackProjectionUpscaler
    from srgan_tf.networks.interpolation import interpolate
    from srgan_tf.networks.rewrites.inference import optimize_for_inference
    from srgan_tf.networks.saved import load_generator

    if flags.interpolate is not None:
        generator = interpolate(load_generator(flags.model), load_generator(flags.interpolate), flags.alpha)
        network = optimize_for_inference(generator, hardware.resolve_precision(flags.precision))
        upscaler = upscaler_of(network, f"{flags.model} + {flags.alpha:g} {flags.interpolate}")
    else:
        whole_factor = flags.scale is not None and flags.scale.is_integer()
        scale = int(flags.scale) if flags.model == "bicubic" and whole_factor else None
        options = {"strength": flags.strength, "precision": flags.precision, "steps": flags.steps, "seed": flags.seed}
        upscaler = load_upscaler(flags.model, scale=scale, **options)
    if flags.ensemble:
        upscaler = EnsembleUpscaler(upscaler)
    return BackProjectionUpscaler(upscaler, flags.back_projection) if flags.back_projection else upscaler


def _describe(enlargement, upscaler):
    if enlargement.box:
        return f"into {enlargement.box[0]}x{enlargement.box[1]}"
    return f"x{enlargement.factor or upscaler.scale:g}"
