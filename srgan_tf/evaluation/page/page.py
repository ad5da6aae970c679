"""report.html: tables, plots and pictures in one file that needs nothing else, not even a network."""

import math
from html import escape

from srgan_tf.evaluation.page.templates import fill, read
from srgan_tf.evaluation.tables import heading, metrics_of, number
from srgan_tf.metrics.table import METRICS

_MARK = "<!-- viewers -->"


def write(path, results, differences, drawings, viewers):
    """Writes the page.

    Args:
        path: of the file.
        results: see `report.results`.
        differences: from `report.results.differences`.
        drawings: plots, each a `Drawing`.
        viewers: a `Viewers`.
    """
    datasets = list(results[0]["datasets"])
    models = [result["model"] for result in results]
    sections = {"scores": "Scores"}
    sections |= {"differences": "Differences"} if differences else {}
    sections |= {"plots": "Plots"} if drawings else {}
    sections |= {f"data-{index}": name for index, name in enumerate(datasets)}
    title = f"{', '.join(models)} on {', '.join(datasets)}"
    whole = fill(
        "page.html",
        title=escape(title),
        style=read("page.css"),
        script=read("page.js"),
        facts=f"Super-resolution x{results[0]['scale']}; {results[0]['peak_memory_gib']:.1f} GiB of memory at most.",
        navigation=" ".join(f'<a href="#{id_}">{escape(text)}</a>' for id_, text in sections.items()),
        failures=_failures(results[0]),
        scores=_scores(results),
        protocol=escape(results[0]["protocol"]),
        differences=_differences(differences),
        plots=_plots(drawings),
        viewers=_MARK,
    )
    before, after = whole.split(_MARK)  # pictures are copied from disk: together they may be larger than memory
    with open(path, "w", encoding="utf-8") as file:
        file.write(before)
        for index, name in enumerate(datasets):
            file.write(f'<h3 id="data-{index}">{escape(name)}</h3>\n{_pictures(results, name)}\n')
            viewers.copy_to(file, name)
        file.write(after)


def _scores(results):
    metrics = metrics_of(results)
    rows = []
    for name, first in results[0]["datasets"].items():
        for result in results:
            dataset = result["datasets"][name]
            cells = [_name(f"{name} ({len(first['images'])})"), _name(result["model"])]
            for metric in metrics:
                rivals = [other["datasets"][name]["mean"][metric] for other in results]
                cells.append(_score(metric, dataset["mean"][metric], dataset["interval"][metric], rivals))
            rate = dataset["megapixels_per_second"]
            rows.append([*cells, f'<td data-value="{rate}">{rate:.2f}</td>'])
    return _table("Mean scores", ["data", "model"], [*map(heading, metrics), "speed (MP/s)"], rows)


def _pictures(results, dataset):
    metrics = metrics_of(results)
    rows = []
    for images in zip(*(result["datasets"][dataset]["images"] for result in results), strict=True):
        for result, image in zip(results, images, strict=True):
            rivals = {metric: [other[metric] for other in images] for metric in metrics}
            cells = [_score(metric, image[metric], None, rivals[metric]) for metric in metrics]
            rows.append([_name(image["name"]), _name(result["model"]), *cells])
    table = _table(f"Scores of the pictures of {dataset}", ["picture", "model"], list(map(heading, metrics)), rows)
    return f"<details><summary>scores of each picture</summary>{table}</details>"


def _differences(differences):
    if not differences:
        return ""
    metrics = list(differences[0]["difference"])
    rows = [
        [
            _name(row["dataset"]),
            _name(f"{row['model']} less {row['less']}"),
            *(_difference(metric, row["difference"][metric], row["interval"][metric]) for metric in metrics),
        ]
        for row in differences
    ]
    table = _table("Differences between models", ["data", "models"], list(map(heading, metrics)), rows)
    return f"""<section id="differences">
<h2>Differences</h2>
<p>Means of the differences picture by picture. Where the interval holds 0, these pictures do not tell which model is
better.</p>
{table}
</section>"""


def _plots(drawings):
    if not drawings:
        return ""
    figures = "\n".join(
        f'<figure role="img" aria-label="{escape(drawing.description)}">{drawing.svg}</figure>' for drawing in drawings
    )
    return f'<section id="plots">\n<h2>Perception and distortion</h2>\n<div class="plots">{figures}</div>\n</section>'


def _failures(result):
    reasons = [reason for dataset in result["datasets"].values() for reason in dataset["failed"]]
    if not reasons:
        return ""
    items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f'<section class="failures"><h2>Left out</h2><ul>{items}</ul></section>'


def _table(label, names, headings, rows):
    head = "".join(f'<th class="name" aria-sort="none" scope="col"><button>{name}</button></th>' for name in names)
    head += "".join(f'<th aria-sort="none" scope="col"><button>{escape(name)}</button></th>' for name in headings)
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}"><table class="sortable">'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>"
    )


def _name(text):
    return f'<td class="name">{escape(text)}</td>'


def _score(metric, value, interval, rivals):
    worth, *others = (math.inf if score is None else score for score in (value, *rivals))
    best = worth == (max if METRICS[metric].higher_is_better else min)(others)
    kind = ' class="best"' if best and len(rivals) > 1 else ""
    text = f"{number(metric, value)}{_interval(metric, interval)}"
    return f'<td{kind} data-value="{"Infinity" if value is None else value}">{text}</td>'


def _difference(metric, value, interval):
    if value is None:
        return '<td data-value="0">&ndash;</td>'
    return f'<td data-value="{value}">{value:+.{METRICS[metric].digits}f}{_interval(metric, interval, "+")}</td>'


def _interval(metric, interval, sign=""):
    if interval is None:
        return ""
    low, high = (f"{end:{sign}.{METRICS[metric].digits}f}" for end in interval)
    return f"<small>[{low}, {high}]</small>"
