"""Scores a model on pictures whose HR is known.

    python evaluate.py --model runs/srgan_x4 --data Set5 --data Set14
    python evaluate.py --model bicubic --data synthetic

Writes metrics.json, the SR pictures and comparison strips.
"""

import math
import sys

from srgan_tf import cli


def main():
    """Parses the flags, scores, prints the table, and says where the results lie."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "--model", required=True, help="bicubic, a run folder, a .keras file or a SavedModel folder of export.py"
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DATA",
        help="div2k, synthetic, a folder of HR pictures, a folder with HR/ and LR/, or DIV2K unpacked; may be repeated",
    )
    parser.add_argument("--output", help="folder for metrics.json and pictures (default: results/MODEL)")
    parser.add_argument("--scale", type=int, choices=(2, 4, 8), help="factor of bicubic; a network has its own")
    flags = parser.parse_args()

    from srgan_tf import evaluation, hardware
    from srgan_tf.data.sources import open_source
    from srgan_tf.inference import load_upscaler
    from srgan_tf.metrics.fidelity import METRICS
    from srgan_tf.report import METRICS_FILE, evaluate_sources

    upscaler = load_upscaler(flags.model, scale=flags.scale)
    sources = [open_source(data, split="valid", scale=upscaler.scale) for data in flags.data]
    output = flags.output or f"results/{upscaler.name}"
    pictures = ", ".join(f"{source.name} ({len(source)} pictures)" for source in sources)
    print(f"scoring {upscaler.name} x{upscaler.scale} on {pictures}; device {hardware.describe()}, precision float32")
    print(f"protocol: {evaluation.protocol(upscaler.scale)}")
    width = 24

    def print_row(name, scores):
        print(f"{name:{width}.{width}}" + "".join(f"{value:10.4f}" for value in scores.values()), flush=True)

    def on_picture(source, name, scores):
        print_row(f"{source.name}/{name}", scores)

    print(f"{'picture':{width}}" + "".join(f"{metric:>10}" for metric in METRICS))
    result = evaluate_sources(upscaler, sources, output, on_picture)
    print()
    for name, dataset in result["datasets"].items():
        means = {metric: math.inf if mean is None else mean for metric, mean in dataset["mean"].items()}
        print_row(f"{name}, mean of {len(dataset['images'])}", means)
    print(f"done: {output}/{METRICS_FILE}; pictures beside it")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
