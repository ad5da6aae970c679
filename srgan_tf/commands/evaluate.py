"""Scores models on pictures whose HR is known.

    python evaluate.py --model runs/srgan_x4 --data Set5 --data Set14
    python evaluate.py --model bicubic --model runs/srresnet --model runs/srgan --data BSD100 --metric niqe
    python evaluate.py --interpolate runs/srresnet runs/srgan --alpha 0 0.25 0.5 0.75 1 --data Set14 --metric stlpips

Writes report.html, metrics.json, scores.csv, table.md, the SR pictures and comparison strips.
"""

import os

from srgan_tf.commands import cli
from srgan_tf.weights import shipped


def main():
    """Parses the flags, scores, prints the tables, and says where the results lie."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        help=f"bicubic, {', '.join(shipped.names())}, a run folder, a .keras file, or what export.py wrote; NAME=MODEL "
        "gives it another name; may be repeated for a comparison",
    )
    parser.add_argument(
        "--interpolate",
        nargs=2,
        metavar=("A", "B"),
        help="run folders or .keras files of equal networks: scores networks between them too",
    )
    parser.add_argument(
        "--alpha", nargs="+", type=float, default=[0.8], help="where between A (0) and B (1); default 0.8"
    )
    parser.add_argument(
        "--ensemble", action="store_true", help="scores the x8 self-ensemble of each network too, as NAME+"
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DATA",
        help="div2k, synthetic, a folder of HR pictures, a folder with HR/ and LR/, or DIV2K unpacked; may be repeated",
    )
    parser.add_argument(
        "--protocol",
        default="y-border",
        choices=("y-border", "rgb-border", "rgb-full", "all"),
        help="PSNR and SSIM on luma or RGB, a border of SCALE pixels removed or not; default y-border",
    )
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        help="a further score: niqe, stlpips, lpips (each needs a package; the error says which), psnr_y_full, "
        "ssim_y_full; may be repeated",
    )
    parser.add_argument("--output", help="folder for the results (default: results/MODEL, or results/comparison)")
    parser.add_argument("--scale", type=int, choices=(2, 4, 8), help="factor of bicubic; a network has its own")
    parser.add_argument(
        "--report-pictures",
        type=int,
        default=20,
        metavar="N",
        help="report.html shows at most N pictures of each data set, evenly spread; default 20",
    )
    flags = parser.parse_args()
    if not (flags.model or flags.interpolate):
        parser.error("give --model or --interpolate")
    if flags.report_pictures < 0:
        parser.error(f"argument --report-pictures: it cannot be negative (received {flags.report_pictures})")

    from srgan_tf import hardware
    from srgan_tf.data.sources import open_source
    from srgan_tf.errors import WorkError
    from srgan_tf.evaluation.console import Console
    from srgan_tf.evaluation.driver import PAGE_FILE, evaluate_sources
    from srgan_tf.evaluation.lineup import load_lineup
    from srgan_tf.evaluation.tables import to_markdown
    from srgan_tf.metrics.table import METRICS, PROTOCOLS, describe, load_metrics

    metrics = list(load_metrics([*PROTOCOLS[flags.protocol], "psnr_lr", *flags.metric]))
    upscalers, curve = load_lineup(
        flags.model, between=flags.interpolate, alphas=flags.alpha, ensemble=flags.ensemble, scale=flags.scale
    )
    names = [upscaler.name for upscaler in upscalers]
    scale = upscalers[0].scale
    sources = [open_source(data, split="valid", scale=scale) for data in flags.data]
    output = flags.output or f"results/{names[0] if len(names) == 1 else 'comparison'}"
    pictures = ", ".join(f"{source.name} ({len(source)} pictures)" for source in sources)
    print(f"scoring {', '.join(names)} x{scale} on {pictures}; device {hardware.describe()}, precision float32")
    print(f"protocol: {describe(metrics, scale)}")
    if not any(METRICS[metric].perceptual for metric in metrics):
        print("no perceptual score was asked for: --metric niqe or --metric stlpips adds one")
    total = sum(map(len, sources))
    console = Console(names, metrics, total)
    print(console.header(), flush=True)
    renamed = [model.partition("=")[2] for model in flags.model]
    results = evaluate_sources(
        upscalers,
        sources,
        output,
        inputs=filter(os.path.exists, [*flags.data, *flags.model, *renamed, *(flags.interpolate or ())]),
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
        raise WorkError(f"{len(failed)} of {total} pictures were left out; the first: {failed[0]}")
