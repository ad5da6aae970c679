"""report.html: tables, plots and pictures in one file that needs no other file and no network."""

import math
from typing import NamedTuple

from srgan_tf.evaluation.page import templates
from srgan_tf.evaluation.tables import UNENCODABLE, heading, metrics_of, number
from srgan_tf.metrics.table import METRICS


class Table(NamedTuple):
    """A sortable table: headings of the columns with names, headings of those with numbers, and `Row`s."""

    label: str
    names: list[str]
    headings: list[str]
    rows: list


class Row(NamedTuple):
    """Names, such as a data set and a model, and `Cell`s."""

    names: list[str]
    cells: list


class Cell(NamedTuple):
    """A number: its text, the value to sort by, its interval if it has one, and whether it is the best of several."""

    text: str
    value: float | str
    interval: str = ""
    best: bool = False


def write(path, results, differences, drawings, viewers):
    """Writes the page.

    Args:
        path: of the file.
        results: see `evaluation.results`.
        differences: from `evaluation.results.differences`.
        drawings: plots, each a `Drawing`.
        viewers: a `Viewers`.
    """
    models = [result["model"] for result in results]
    datasets = list(results[0]["datasets"])
    parts = templates.load("page.html").generate(
        title=f"{', '.join(models)} on {', '.join(datasets)}",
        style="".join(map(templates.read, ("theme.css", "viewer.css", "page.css"))),
        script="".join(map(templates.read, ("viewer.js", "page.js"))),
        scale=f"{results[0]['scale']:g}",
        peak_memory=results[0]["peak_memory_gib"],
        protocol=results[0]["protocol"],
        failures=[reason for dataset in results[0]["datasets"].values() for reason in dataset["failed"]],
        scores=_mean_scores(results),
        differences=_differences(differences) if differences else None,
        drawings=list(drawings),
        datasets=[
            {"name": name, "scores": _picture_scores(results, name), "viewers": viewers.parts(name)}
            for name in datasets
        ],
    )
    with open(path, "w", encoding="utf-8", errors=UNENCODABLE) as file:
        file.writelines(parts)  # one after the other: together the pictures may be larger than the memory


def _mean_scores(results):
    metrics = metrics_of(results)
    rows = []
    for name, first in results[0]["datasets"].items():
        for result in results:
            dataset = result["datasets"][name]
            cells = []
            for metric in metrics:
                means = [other["datasets"][name]["mean"][metric] for other in results]
                cells.append(_score(metric, dataset["mean"][metric], means, dataset["interval"][metric]))
            rate = dataset["megapixels_per_second"]
            cells.append(Cell(f"{rate:.2f}", rate))
            rows.append(Row([f"{name} ({len(first['images'])})", result["model"]], cells))
    return Table("Mean scores", ["data", "model"], [*map(heading, metrics), "speed (MP/s)"], rows)


def _picture_scores(results, dataset):
    metrics = metrics_of(results)
    rows = []
    for images in zip(*(result["datasets"][dataset]["images"] for result in results), strict=True):
        for result, image in zip(results, images, strict=True):
            cells = [_score(metric, image[metric], [other[metric] for other in images]) for metric in metrics]
            rows.append(Row([image["name"], result["model"]], cells))
    return Table(f"Scores of the pictures of {dataset}", ["picture", "model"], list(map(heading, metrics)), rows)


def _differences(differences):
    metrics = list(differences[0]["difference"])
    rows = [
        Row(
            [row["dataset"], f"{row['model']} - {row['baseline']}"],
            [_difference(metric, row["difference"][metric], row["interval"][metric]) for metric in metrics],
        )
        for row in differences
    ]
    return Table("Differences between models", ["data", "models"], list(map(heading, metrics)), rows)


def _score(metric, value, values, interval=None):
    """A model's score among `values`, those of all models. None is the infinite PSNR of equal pictures."""
    own, *others = (math.inf if score is None else score for score in (value, *values))
    best = len(values) > 1 and own == (max if METRICS[metric].higher_is_better else min)(others)
    sort_by = "Infinity" if value is None else value  # as JavaScript reads it
    return Cell(number(metric, value), sort_by, _interval(metric, interval), best)


def _difference(metric, value, interval):
    if value is None:
        return Cell("\u2013", 0)
    return Cell(f"{value:+.{METRICS[metric].digits}f}", value, _interval(metric, interval, "+"))


def _interval(metric, interval, sign=""):
    if interval is None:
        return ""
    low, high = (f"{end:{sign}.{METRICS[metric].digits}f}" for end in interval)
    return f"[{low}, {high}]"
