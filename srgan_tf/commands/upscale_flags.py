"""The flags of `srgan-tf upscale`."""

from srgan_tf.commands import cli, flag_types
from srgan_tf.photos import file_formats
from srgan_tf.precisions import CHOICES
from srgan_tf.weights import shipped


def parse(description):
    """Parses the command line, and checks which flags go together.

    Args:
        description: text of `--help`.
    """
    parser = cli.Parser(description)
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
    parser.add_argument(
        "--output", required=True, help="folder for the results, or for one input the file of its result"
    )
    parser.add_argument(
        "--format",
        choices=tuple(file_formats.FORMATS),
        help="file format of the results (default: png, or that of the file --output)",
    )
    parser.add_argument(
        "--png-level",
        type=int,
        choices=range(10),
        metavar="0-9",
        default=file_formats.PNG_LEVEL,
        help="compression of PNG: 1 is fast, 9 small (default: %(default)s)",
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
        choices=("overwrite", "skip", "refuse"),
        help="what to do with existing results (default: overwrite; with --cluster: skip)",
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
    flags = parser.parse_args()
    flags.format = flags.format or file_formats.format_of(flags.output) or "png"
    if (flags.interpolate is None) != (flags.alpha is None):
        parser.error("--interpolate and --alpha must be given together")
    if flags.strength is not None and flags.interpolate is not None:
        parser.error("--strength and --interpolate cannot be given together")
    if flags.animation == "all" and flags.format not in file_formats.ANIMATED_FORMATS:
        parser.error(f"--animation all needs --format png, webp or avif (received {flags.format})")
    if flags.interpolate is not None and (flags.steps is not None or flags.seed is not None):
        parser.error("--steps and --seed cannot be given with --interpolate")
    if flags.cluster is not None and len(flags.pictures) > 1:
        parser.error(f"--cluster takes one folder (received {len(flags.pictures)})")
    return flags


def model_options(flags):
    """The keyword arguments of `assembly.assemble_upscaler`, beside the factor."""
    return {
        "model": flags.model,
        "strength": flags.strength,
        "other": flags.interpolate,
        "alpha": flags.alpha,
        "precision": flags.precision,
        "steps": flags.steps,
        "seed": flags.seed,
        "ensemble": flags.ensemble,
        "back_projection": flags.back_projection,
    }


def describe_size(flags, scale):
    """The size of the results in words; `scale` is the network's factor."""
    return f"into {flags.size[0]}x{flags.size[1]}" if flags.size else f"x{flags.scale or scale:g}"


def kept(number):
    """The end of a line, about results that exist and were kept."""
    return f", kept: {number}" if number else ""
