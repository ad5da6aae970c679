"""Upscales images and folders of images.

    srgan-tf upscale photo.jpg holiday/ --output upscaled
    srgan-tf upscale photo.jpg --output upscaled --strength 0.5
    srgan-tf upscale photo.jpg --model runs/srgan_x4 --output upscaled --size 3840x2160 --ensemble

Reads PNG, JPEG, WebP, AVIF, TIFF, BMP and GIF, and with the extra [formats] HEIC and JPEG XL: 8 or 16 bits, gray,
palette, RGB, CMYK, transparency, EXIF rotation. The output folder mirrors the tree of an input folder; inputs are never
overwritten.
"""

import argparse
import re
import sys

from srgan_tf.commands import cli
from srgan_tf.weights import shipped


def main():
    """Parses the flags, upscales, and prints where the results are."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "pictures", nargs="+", metavar="PICTURE_OR_FOLDER", help="images, or folders, which are searched recursively"
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
        "--scale", type=_factor, metavar="FACTOR", help="factor, such as 3 or 2.5 (default: the network's)"
    )
    size.add_argument(
        "--size", type=_box, metavar="WxH", help="fit the result into this many pixels, keeping its aspect ratio"
    )
    parser.add_argument(
        "--ensemble", action="store_true", help="self-ensemble: mean over eight flips and rotations, 8 times slower"
    )
    parser.add_argument(
        "--back-projection",
        type=_count,
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
        "--tile", type=_count, metavar="N", help="side of a tile in input pixels; 0: no tiles (default: by free memory)"
    )
    parser.add_argument(
        "--existing",
        default="overwrite",
        choices=("overwrite", "skip", "refuse"),
        help="what to do with existing results (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        default="auto",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="of the network's feature maps; auto: bfloat16 where the device is faster in it (default: %(default)s)",
    )
    parser.add_argument(
        "--crop", type=_crop, metavar="X,Y,W,H", help="upscale only this rectangle, at full size, as a trial; pixels"
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
    parser.add_argument("--allow-huge", action="store_true", help="allow images of more than 250 million pixels")
    flags = parser.parse_args()
    if (flags.interpolate is None) != (flags.alpha is None):
        parser.error("--interpolate and --alpha must be given together")
    if flags.strength is not None and flags.interpolate is not None:
        parser.error("--strength and --interpolate cannot be given together")

    if flags.animation == "all" and flags.format not in ("png", "webp", "avif"):
        parser.error(f"--animation all needs --format png, webp or avif (received {flags.format})")

    from tqdm import tqdm

    from srgan_tf import hardware
    from srgan_tf.files import check_targets, make_folder
    from srgan_tf.images.pictures import read_picture
    from srgan_tf.inference.loading import resolve
    from srgan_tf.photos.formats import MAX_PIXELS
    from srgan_tf.photos.jobs import plan, run, skipped_note, without_existing
    from srgan_tf.photos.parts import Crop
    from srgan_tf.photos.upscale import Enlargement
    from srgan_tf.photos.writing import FORMATS, require_format

    require_format(flags.format)
    planned = plan(flags.pictures, flags.output, FORMATS[flags.format])
    check_targets([job.target for job in planned], filter(None, [flags.model, flags.interpolate, flags.mask]))
    if flags.mask is not None:
        read_picture(flags.mask)  # a wrong one fails before any work
    jobs = without_existing(planned, flags.existing)
    upscaler = _upscaler(flags)
    make_folder(flags.output)
    enlargement = Enlargement(flags.scale, flags.size, flags.crop and Crop(*flags.crop))
    print(
        f"upscaling {_describe(enlargement, upscaler)} with {upscaler.name}, pictures: {len(jobs)}"
        f"{_kept(planned, jobs)}; device {hardware.describe()}, precision {resolve(flags.precision)}",
        flush=True,
    )
    with tqdm(total=len(jobs), unit="picture", disable=None, bar_format="{l_bar}{bar}| {elapsed}<{remaining}") as bar:

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
    if note := skipped_note(flags.pictures):
        print(note)
    print(f"done: {flags.output}, upscaled: {len(jobs)}{_kept(planned, jobs)}")


def _kept(planned, jobs):
    return f", kept: {len(planned) - len(jobs)}" if len(jobs) < len(planned) else ""


def _upscaler(flags):
    """The model that the flags ask for, with what they add to it; it takes whole pictures, tiles come later."""
    from srgan_tf.inference.ensemble import EnsembleUpscaler
    from srgan_tf.inference.loading import load_upscaler, resolve
    from srgan_tf.inference.refinement import BackProjectionUpscaler
    from srgan_tf.inference.upscalers import network_upscaler
    from srgan_tf.networks.interpolation import interpolate
    from srgan_tf.networks.rewrites.inference import optimize_for_inference
    from srgan_tf.networks.saved import load_generator

    if flags.interpolate is not None:
        generator = interpolate(load_generator(flags.model), load_generator(flags.interpolate), flags.alpha)
        network = optimize_for_inference(generator, resolve(flags.precision))
        upscaler = network_upscaler(network, f"{flags.model} + {flags.alpha:g} {flags.interpolate}")
    else:
        whole_factor = flags.scale is not None and flags.scale.is_integer()
        scale = int(flags.scale) if flags.model == "bicubic" and whole_factor else None
        upscaler = load_upscaler(flags.model, scale=scale, strength=flags.strength, precision=flags.precision)
    if flags.ensemble:
        upscaler = EnsembleUpscaler(upscaler)
    return BackProjectionUpscaler(upscaler, flags.back_projection) if flags.back_projection else upscaler


def _describe(enlargement, upscaler):
    if enlargement.box:
        return f"into {enlargement.box[0]}x{enlargement.box[1]}"
    return f"x{enlargement.factor or upscaler.scale:g}"


def _factor(text):
    if re.fullmatch(r"\d+\.?\d*|\.\d+", text) and 0 < float(text) <= 64:
        return float(text)
    raise argparse.ArgumentTypeError(f"expected a factor between 0 and 64 (received {text!r})")


def _box(text):
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT in pixels, such as 1920x1080 (received {text!r})")
    return int(match[1]), int(match[2])


def _crop(text):
    match = re.fullmatch(r"(\d{1,9}),(\d{1,9}),([1-9]\d{0,8}),([1-9]\d{0,8})", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError(
            f"expected X,Y,WIDTH,HEIGHT in pixels, such as 100,50,200,200 (received {text!r})"
        )
    return tuple(map(int, match.groups()))


def _count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected 0, 1, 2, ... (received {text!r})")
    return int(text)
