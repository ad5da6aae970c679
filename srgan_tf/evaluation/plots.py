"""Plots of an evaluation, as SVG."""

import io
from typing import NamedTuple

from srgan_tf.evaluation.tables import UNENCODABLE, metrics_of, number
from srgan_tf.metrics.table import METRICS


class Drawing(NamedTuple):
    """An SVG and its text alternative for screen readers."""

    svg: str
    description: str


def perception_distortion(results, curve=()):
    """The perception-distortion plane of Blau & Michaeli 2018.

    Args:
        results: see `evaluation.results`.
        curve: names of models to connect by a line, such as interpolated networks.

    Returns:
        Dictionary of file names without suffix to `Drawing`: one for each data set and perceptual metric, against the
        first distortion metric, and one of the curve alone. Empty if either kind of metric is missing.
    """
    metrics = metrics_of(results)
    distortion = next((metric for metric in metrics if not METRICS[metric].perceptual), None)
    perceptual = [metric for metric in metrics if METRICS[metric].perceptual]
    if distortion is None:
        return {}
    between = [result for result in results if result["model"] in curve]
    drawings = {}
    for dataset in results[0]["datasets"]:
        for metric in perceptual:
            drawings[f"perception_distortion-{dataset}-{metric}"] = _plane(results, dataset, distortion, metric, curve)
            if 0 < len(between) < len(results):  # beside distant models the curve would look flat
                drawings[f"interpolation-{dataset}-{metric}"] = _plane(between, dataset, distortion, metric, curve)
    return drawings


def _plane(results, dataset, distortion, perception, curve):
    import matplotlib  # imported here since it takes half a second
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    means = {result["model"]: result["datasets"][dataset]["mean"] for result in results}
    points = {name: (mean[distortion], mean[perception]) for name, mean in means.items()}
    points = {name: point for name, point in points.items() if None not in point}
    with matplotlib.rc_context(
        {"svg.fonttype": "path", "svg.hashsalt": "srgan_tf", "font.size": 11, "text.parse_math": False}
    ):
        figure = Figure(figsize=(6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        joined = [points[name] for name in curve if name in points]
        if joined:
            axes.plot(*zip(*joined, strict=True), color="0.6", zorder=1)
        for index, (name, (x, y)) in enumerate(points.items()):
            if name in curve:
                axes.scatter(x, y, s=30, color="0.4", zorder=2)
                label = f"\N{GREEK SMALL LETTER ALPHA} {name.rpartition('@')[2]}"
                # Rotated, since neighbouring points are close together.
                below = {"xytext": (0, -6), "rotation": -45, "va": "top", "rotation_mode": "anchor"}
                axes.annotate(label, (x, y), textcoords="offset points", fontsize=9, **below)
            else:
                axes.scatter(x, y, s=60, color=f"C{index % 10}", zorder=2)
                axes.annotate(_printable(name), (x, y), xytext=(6, 5), textcoords="offset points")
        axes.margins(x=0.2, y=0.15)
        axes.invert_yaxis()  # better is up and to the right
        axes.set_xlabel(f"{METRICS[distortion].title}, higher is better")
        axes.set_ylabel(f"{METRICS[perception].title}, lower is better (axis inverted)")
        axes.set_title(_printable(dataset))
        axes.grid(alpha=0.3)
        file = io.StringIO()
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})
    svg = file.getvalue()
    listed = "; ".join(
        f"{name}: {number(distortion, x)} and {number(perception, y)}" for name, (x, y) in points.items()
    )
    description = f"{METRICS[distortion].title} against {METRICS[perception].title} on {dataset}. {listed}."
    return Drawing(svg[svg.index("<svg") :], description)


def _printable(name):
    return name.encode(errors=UNENCODABLE).decode()
