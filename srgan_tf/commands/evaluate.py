"""Scores models on images with a known HR image.

    srgan-tf evaluate --model runs/srgan_x4 --data Set5 --data Set14
    srgan-tf evaluate --model bicubic --model runs/srresnet --model runs/srgan --data BSD100 --metric niqe
    srgan-tf evaluate --interpolate runs/srresnet runs/srgan --alpha 0 0.25 0.5 0.75 1 --data Set14 --metric stlpips
    srgan-tf evaluate --model runs/continuous_x4 --scale 2 --scale 2.7 --scale 4 --data Set5

Writes report.html, metrics.json, scores.csv, table.md, the SR images and comparison strips. With several factors, each
has a folder of them, x2.7 for 2.7, and bicubic is scored beside the models.
"""

import argparse
import os
import pathlib
import re

from srgan_tf.commands import cli
from srgan_tf.precisions import CHOICES
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
    parser.add_argument(
        "--scale",
        action="append",
        type=_factor,
        metavar="FACTOR",
        help="factor of bicubic and of continuous networks, 1 or more; others have their own; repeat for several "
        "(default: the networks' own). Data of another factor is downscaled from its HR",
    )
    parser.add_argument(
        "--precision",
        default="float32",
        choices=CHOICES,
        help="of the networks' feature maps; auto: bfloat16 where the device is faster in it (default: %(default)s)",
    )
    parser.add_argument(
        "--steps",
        type=cli.positive_int,
        metavar="N",
        help="steps of sampling of diffusion networks (default: their own)",
    )
    parser.add_argument(
        "--seed",
        action="append",
        default=[],
        type=cli.seed,
        metavar="N",
        help="seed of diffusion networks' noise (default: 0); repeat to score several, with their mean and spread",
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

    if repeated := {f"{scale:g}" for scale in flags.scale or () if flags.scale.count(scale) > 1}:
        parser.error(f"argument --scale: given twice: {', '.join(sorted(repeated))}")

    from srgan_tf.errors import WorkError
    from srgan_tf.evaluation.driver import TABLE_FILE
    from srgan_tf.evaluation.tables import UNENCODABLE, to_markdown
    from srgan_tf.files import unfinished_folder
    from srgan_tf.replacing import replace_files

    scales = flags.scale or [None]
    if len(scales) > 1 and "bicubic" not in flags.model:
        flags.model = ["bicubic", *flags.model]
    failed, total, tables = [], 0, []
    for scale in scales:
        results, output = _evaluate(flags, scale, several=len(scales) > 1)
        tables.append(to_markdown(results))
        datasets = results[0]["datasets"].values()
        failed += [reason for dataset in datasets for reason in dataset["failed"]]
        total += sum(len(dataset["images"]) + len(dataset["failed"]) for dataset in datasets)
    if len(scales) > 1:
        with unfinished_folder(output.parent) as unfinished:
            (unfinished / TABLE_FILE).write_text("\n".join(tables), encoding="utf-8", errors=UNENCODABLE)
            replace_files(unfinished, output.parent)
        print(f"done: {output.parent / TABLE_FILE}, all factors")
    if failed:
        raise WorkError(f"{len(failed)} of {total} images failed; the first: {failed[0]}")


def _evaluate(flags, scale, *, several):
    """Scores the models at one factor, prints the scores; returns the results and their folder."""
    from srgan_tf import hardware
    from srgan_tf.data.sources import open_source, split_name
    from srgan_tf.evaluation.console import Console
    from srgan_tf.evaluation.driver import PAGE_FILE, TABLE_FILE, evaluate_sources
    from srgan_tf.evaluation.lineup import load_lineup
    from srgan_tf.evaluation.results import over_seeds
    from srgan_tf.evaluation.tables import number, to_markdown
    from srgan_tf.images.listing import PICTURE_SUFFIXES
    from srgan_tf.metrics.table import METRICS, PROTOCOLS, describe, load_metrics
    from srgan_tf.photos.suffixes import skipped_note
    from srgan_tf.replacing import check_replaceable_files

    hardware.turn_tf32_off()
    metrics = list(load_metrics([*PROTOCOLS[flags.protocol], "psnr_lr", *flags.metric]))
    upscalers, curve = load_lineup(
        flags.model,
        between=flags.interpolate,
        alphas=flags.alpha,
        ensemble=flags.ensemble,
        scale=scale,
        precision=flags.precision,
        steps=flags.steps,
        seeds=flags.seed,
    )
    names = [upscaler.name for upscaler in upscalers]
    scale = upscalers[0].scale
    sources = [open_source(data, split="valid", scale=scale, may_replace_lr=True) for data in flags.data]
    shown = [name for name in names if name != "bicubic"] if several else names
    output = pathlib.Path(flags.output or f"results/{shown[0] if len(shown) == 1 else 'comparison'}")
    if several:
        check_replaceable_files(output, [TABLE_FILE])
        output = output / f"x{scale:g}"
    pictures = ", ".join(f"{source.name} ({len(source)} pictures)" for source in sources)
    print(
        f"scoring {', '.join(names)} x{scale:g} on {pictures}; device {hardware.describe()}, "
        f"precision {hardware.resolve_precision(flags.precision)}"
    )
    print(f"protocol: {describe(metrics, scale)}")
    for upscaler in upscalers:
        if sampling := getattr(upscaler, "sampling", None):
            print(f"{upscaler.name}: diffusion, {sampling['steps']} steps, seed {sampling['seed']}")
    if replaced := [source.name for source in sources if source.lr_is_replaced]:
        print(f"LR made from HR by MATLAB-like bicubic, since the given LR has another factor: {', '.join(replaced)}")
    if not any(METRICS[metric].perceptual for metric in metrics):
        print("no perceptual score: --metric niqe or --metric stlpips adds one")
    if note := skipped_note(flags.data, PICTURE_SUFFIXES):
        print(note)
    console = Console(names, metrics, sum(map(len, sources)))
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
    for (model, dataset), scores in over_seeds(results).items():
        print(f"{model} on {dataset}, mean over {len(flags.seed)} seeds, lowest and highest:")
        for metric, values in scores.items():
            print(f"  {metric}: {', '.join(number(metric, value) for value in values)}")
    print(f"peak memory {results[0]['peak_memory_gib']:.2f} GiB")
    print(f"done: {output / PAGE_FILE}; scores and pictures beside it")
    return results, output


def _factor(text):
    """A factor of 1 or more, an int if it is a whole number."""
    if re.fullmatch(r"\d+\.?\d*", text) and 1 <= float(text) <= 64:
        return int(float(text)) if float(text).is_integer() else float(text)
    raise argparse.ArgumentTypeError(f"expected a factor from 1 to 64 (received {text!r})")
