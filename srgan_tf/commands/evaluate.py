"""Scores models on images with a known HR image.

    srgan-tf evaluate --model runs/srgan_x4 --data Set5 --data Set14
    srgan-tf evaluate --model bicubic --model runs/srresnet --model runs/srgan --data BSD100 --metric niqe
    srgan-tf evaluate --interpolate runs/srresnet runs/srgan --alpha 0 0.25 0.5 0.75 1 --data Set14 --metric stlpips

Writes report.html, metrics.json, scores.csv, table.md, the SR images and comparison strips.
"""

import os

from srgan_tf.commands import cli
from srgan_tf.weights import shipped


def main():
    """Parses the flags, scores, prints the tables, and prints where the results are."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help=f"bicubic, {', '.join(shipped.names())}, a run folder, a .keras file, or an export; NAME=MODEL renames it "
        "in the report; repeat to compare several",
    )
    parser.add_argument(
        "--interpolate",
        nargs=2,
        metavar=("A", "B"),
        help="two models of the same architecture: also scores networks with interpolated weights",
    )
    parser.add_argument(
        "--alpha", nargs="+", type=float, default=[0.8], help="positions between A (0) and B (1) (default: 0.8)"
    )
    parser.add_argument(
        "--ensemble", action="store_true", help="also scores the x8 self-ensemble of each network, as NAME+"
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DATA",
        help="div2k, div2k/CONFIG, synthetic, a folder of HR images, a folder with HR/ and LR/, or an unpacked DIV2K "
        "(FOLDER or FOLDER:CONFIG); repeatable",
    )
    parser.add_argument(
        "--protocol",
        default="y-border",
        choices=("y-border", "rgb-border", "rgb-full", "all", "ntire18", "ntire18-x8"),
        help="PSNR and SSIM on luma or RGB, with or without a border of SCALE pixels, or as in the NTIRE 2018 contest "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        help="another score: niqe, stlpips, lpips (each needs a package; the error names it), psnr_y_full, "
        "ssim_y_full; repeat for several",
    )
    parser.add_argument("--output", help="folder for the results (default: results/MODEL, or results/comparison)")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4, 8), help="factor of bicubic; a network has a fixed one")
    parser.add_argument(
        "--precision",
        default="float32",
        choices=("auto", "float32", "bfloat16", "float16"),
        help="of the networks' feature maps; auto: bfloat16 where the device is faster in it (default: %(default)s)",
    )
    parser.add_argument(
        "--report-pictures",
        type=int,
        default=20,
        metavar="N",
        help="maximum number of images per data set in report.html, evenly spaced (default: %(default)s)",
    )
    flags = parser.parse_args()
    if not (flags.model or flags.interpolate):
        parser.error("give --model or --interpolate")
    if flags.report_pictures < 0:
        parser.error(f"argument --report-pictures: expected 0 or more (received {flags.report_pictures})")

    from srgan_tf import hardware
    from srgan_tf.data.sources import open_source, split_name
    from srgan_tf.errors import WorkError
    from srgan_tf.evaluation.console import Console
    from srgan_tf.evaluation.driver import PAGE_FILE, evaluate_sources
    from srgan_tf.evaluation.lineup import load_lineup
    from srgan_tf.evaluation.tables import to_markdown
    from srgan_tf.inference.loading import resolve
    from srgan_tf.metrics.table import METRICS, PROTOCOLS, describe, load_metrics
    from srgan_tf.photos.jobs import skipped_note

    metrics = list(load_metrics([*PROTOCOLS[flags.protocol], "psnr_lr", *flags.metric]))
    upscalers, curve = load_lineup(
        flags.model,
        between=flags.interpolate,
        alphas=flags.alpha,
        ensemble=flags.ensemble,
        scale=flags.scale,
        precision=flags.precision,
    )
    names = [upscaler.name for upscaler in upscalers]
    scale = upscalers[0].scale
    sources = [open_source(data, split="valid", scale=scale) for data in flags.data]
    output = flags.output or f"results/{names[0] if len(names) == 1 else 'comparison'}"
    pictures = ", ".join(f"{source.name} ({len(source)} pictures)" for source in sources)
    print(
        f"scoring {', '.join(names)} x{scale} on {pictures}; device {hardware.describe()}, "
        f"precision {resolve(flags.precision)}"
    )
    print(f"protocol: {describe(metrics, scale)}")
    if not any(METRICS[metric].perceptual for metric in metrics):
        print("no perceptual score: --metric niqe or --metric stlpips adds one")
    if note := skipped_note(flags.data):
        print(note)
    total = sum(map(len, sources))
    console = Console(names, metrics, total)
    print(console.header(), flush=True)
    folders = [split_name(data)[0] for data in flags.data]
    renamed = [model.partition("=")[2] for model in flags.model]
    results = evaluate_sources(
        upscalers,
        sources,
        output,
        inputs=filter(os.path.exists, [*folders, *flags.model, *renamed, *(flags.interpolate or ())]),
        metrics=metrics,
        page_pictures=flags.report_pictures,
        curve=curve,
        on_picture=lambda *picture: print(console.picture(*picture), flush=True),
        on_failure=lambda reason: print(console.failure(reason), flush=True),
    )
    print(f"\n{console.means(results)}\n\n{to_markdown(results)}")
    print(f"peak memory {results[0]['peak_memory_gib']:.2f} GiB")
    print(f"done: {output}/{PAGE_FILE}; scores and pictures beside it")
    failed = [reason for dataset in results[0]["datasets"].values() for reason in dataset["failed"]]
    if failed:
        raise WorkError(f"{len(failed)} of {total} images failed; the first: {failed[0]}")
