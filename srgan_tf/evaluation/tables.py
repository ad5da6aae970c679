"""Scores as CSV and as Markdown."""

import csv
import io

from srgan_tf.metrics.table import METRICS

# For bytes of a file name that are not UTF-8: "\\udce9" instead of an error. In JSON that reads back as the same name.
UNENCODABLE = "backslashreplace"
# Spreadsheets run cells that begin so as formulas.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(results):
    """A CSV with a row for each picture and each mean, scores in full precision.

    A name that a spreadsheet would run as a formula is preceded by an apostrophe.

    Columns are `dataset`, `model`, `row` ("picture" or "mean"), `picture`, and the metrics. Scores that
    are not finite are empty.
    """
    file = io.StringIO()
    metrics = metrics_of(results)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["dataset", "model", "row", "picture", *metrics])
    for result in results:
        for name, dataset in result["datasets"].items():
            for image in dataset["images"]:
                names = [name, result["model"], "picture", image["name"]]
                writer.writerow([*map(_not_a_formula, names), *(image[key] for key in metrics)])
            names = [name, result["model"], "mean", ""]
            writer.writerow([*map(_not_a_formula, names), *(dataset["mean"][key] for key in metrics)])
    return file.getvalue()


def _not_a_formula(text):
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def to_markdown(results):
    """A table of means, the best of each data set in bold, followed by the protocol."""
    metrics = metrics_of(results)
    lines = [f"| {' | '.join(['data', 'model', *map(heading, metrics)])} |", "|---|---|" + "---:|" * len(metrics)]
    for name, dataset in results[0]["datasets"].items():
        means = [result["datasets"][name]["mean"] for result in results]
        count = len(dataset["images"])
        for result, mean in zip(results, means, strict=True):
            cells = [_bold(metric, mean[metric], [other[metric] for other in means]) for metric in metrics]
            lines.append(f"| {' | '.join([f'{name} ({count})', result['model'], *cells])} |")
    return "\n".join([*lines, "", f"x{results[0]['scale']:g}; {results[0]['protocol']}.", ""])


def metrics_of(results):
    """Names of the metrics in results."""
    return list(next(iter(results[0]["datasets"].values()))["mean"])


def heading(metric):
    """A metric's title with an arrow in the direction of better."""
    return f"{METRICS[metric].title} {'↑' if METRICS[metric].higher_is_better else '↓'}"


def number(metric, value):
    """A rounded score; "∞" for None, the PSNR of equal pictures.

    >>> number("psnr_y", 28.4254), number("niqe", 5.72957), number("psnr_y", None)
    ('28.43', '5.730', '∞')
    """
    return "∞" if value is None else f"{value:.{METRICS[metric].digits}f}"


def _bold(metric, value, rivals):
    """The score, bold if no other printed score is better. With a single model nothing is bold."""
    text = number(metric, value)
    texts = [number(metric, rival) for rival in rivals]
    worth = {rival: float(rival.replace("∞", "inf")) for rival in texts}
    best = (max if METRICS[metric].higher_is_better else min)(texts, key=worth.__getitem__)
    return f"**{text}**" if len(rivals) > 1 and text == best else text
