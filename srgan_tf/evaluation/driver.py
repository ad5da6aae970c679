"""Evaluates models on data sets and writes the results."""

import contextlib
import json
import pathlib

from srgan_tf import hardware
from srgan_tf.errors import UserError, WorkError
from srgan_tf.evaluation import plots, tables
from srgan_tf.evaluation.page import page
from srgan_tf.evaluation.page.viewers import Viewers, caption, caption_metrics
from srgan_tf.evaluation.results import differences, summarize
from srgan_tf.evaluation.scoring import DEFAULT_METRICS, evaluate_pair
from srgan_tf.files import check_targets, make_folder, unfinished_folder
from srgan_tf.images import comparison
from srgan_tf.images.pictures import write_picture
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.metrics.table import METRICS, describe, load_metrics
from srgan_tf.replacing import (
    check_replaceable,
    check_replaceable_files,
    replace_files,
    replace_folder,
    write_manifest,
)

METRICS_FILE = "metrics.json"
COMPARISON_FILE = "comparison.json"
PAGE_FILE = "report.html"
_CSV_FILE = "scores.csv"
TABLE_FILE = "table.md"

_ZOOM = 4
_INSETS = 2


def evaluate_sources(
    upscalers,
    sources,
    output,
    *,
    inputs=(),
    metrics=DEFAULT_METRICS,
    page_pictures=20,
    curve=(),
    on_picture=lambda dataset, picture, scores: None,
    on_failure=lambda reason: None,
):
    """Scores models on data sets and writes the results when all are scored.

    A picture that cannot be read or scored is left out for every model and reported. Pictures are processed one at a
    time, so memory does not grow with their number.

    Args:
        upscalers: list of `Upscaler` with the same scale and different names.
        sources: list of `Source` with different names.
        output: folder for metrics.json, DATASET/sr/*.png, scores.csv, table.md, report.html, DATASET/comparison/*.png
            and the plots of `evaluation.plots`. With several models, metrics.json and the SR pictures are in a folder
            named after the model, and comparison.json has the differences. Files and folders that an earlier evaluation
            wrote are replaced; others are not.
        inputs: paths of the models and pictures; no result may overlap them.
        metrics: names of scores.
        page_pictures: number of pictures of each data set in report.html, evenly spread.
        curve: names of models that the plot connects by a line, in order.
        on_picture: called with (data set, picture, {model: scores}) after each picture.
        on_failure: called with the reason when a picture is left out.

    Returns:
        List of results, one for each model; see `evaluation.results`.

    Raises:
        UserError: names that clash or are not valid folder names, models of different scales, a metric that is not
            installed, or an output that overlaps an input, would replace another folder or cannot be written.
        WorkError: no picture of a source could be scored, or the results could not be written; the output is as before.
    """
    output = pathlib.Path(output)
    _check_names(upscalers, sources)
    functions = load_metrics(metrics)
    folders = [output / source.name for source in sources]
    if len(upscalers) > 1:
        folders += [output / upscaler.name for upscaler in upscalers]
    check_targets([output / METRICS_FILE, *folders], inputs)
    for folder in folders:
        check_replaceable(folder)
    check_replaceable_files(output, (_scores_file(len(upscalers)), _CSV_FILE, TABLE_FILE, PAGE_FILE))
    make_folder(output)
    scale = upscalers[0].scale
    names = [upscaler.name for upscaler in upscalers]
    datasets = {name: {} for name in names}
    with (
        _writing_to(output),
        unfinished_folder(output) as unfinished,
        Viewers(unfinished, page_pictures) as viewers,
    ):
        files = _Files(unfinished, names, viewers, BicubicUpscaler(scale))
        for source in sources:
            found = _evaluate_source(upscalers, source, functions, files, on_picture, on_failure)
            for name, summary in found.items():
                datasets[name][source.name] = summary
        memory = round(hardware.peak_memory() / 2**30, 2)
        results = [
            {"model": name, "scale": scale, "protocol": describe(functions, scale), "peak_memory_gib": memory}
            | ({"sampling": upscaler.sampling} if getattr(upscaler, "sampling", None) else {})
            | {"datasets": datasets[name]}
            for name, upscaler in zip(names, upscalers, strict=True)
        ]
        files.write_scores(results, curve)
        files.move_to(output)
    return results


def _scores_file(models):
    """The JSON file of scores beside the tables. With several models, each has its metrics.json in its own folder."""
    return METRICS_FILE if models == 1 else COMPARISON_FILE


@contextlib.contextmanager
def _writing_to(output):
    """Turns file system errors into a `WorkError`."""
    try:
        yield
    except OSError as error:
        raise WorkError(f"cannot write to {str(output)!r}: {error.strerror or error}") from error


def _check_names(upscalers, sources):
    for kind, things in (("data sets", sources), ("models", upscalers)):
        names = [thing.name for thing in things]
        if len(set(names)) < len(names):
            raise UserError(f"two {kind} have the same name: {', '.join(names)}")
        for name in names:
            if name in ("", ".", "..") or pathlib.PurePath(name).name != name:
                raise UserError(f"names of {kind} are used as folder names, and {name!r} is not a valid one")
    if clash := {source.name for source in sources} & {upscaler.name for upscaler in upscalers}:
        raise UserError(f"a model and a data set have the same name: {', '.join(clash)}")
    scales = {upscaler.name: upscaler.scale for upscaler in upscalers}
    if len(set(scales.values())) > 1:
        raise UserError(f"models with different factors cannot be compared: {scales}")


def _evaluate_source(upscalers, source, functions, files, on_picture, on_failure):
    """Scores one data set; returns the summary for each model."""
    names, failed = [], []
    scores, rates, blended = ({upscaler.name: [] for upscaler in upscalers} for _ in range(3))
    for index, pair in enumerate(source.attempts()):
        try:
            if isinstance(pair, WorkError):
                raise pair
            scored = {upscaler.name: evaluate_pair(upscaler, pair, functions) for upscaler in upscalers}
        except WorkError as error:
            failed.append(str(error))
            on_failure(str(error))
            continue
        names.append(pair.name)
        for name, one in scored.items():
            scores[name].append(one.scores)
            rates[name].append(one.sr.shape[0] * one.sr.shape[1] / 1e6 / one.seconds)
            if one.blended:
                blended[name].append(pair.name)
        files.write_pictures(source, index, pair, scored, functions)
        on_picture(source.name, pair.name, {name: one.scores for name, one in scored.items()})
    if not names:
        raise WorkError(f"no picture of {source.name!r} could be scored; the first: {failed[0]}")
    return {
        name: summarize(names, scores[name], failed=failed, rates=rates[name], blended=blended[name]) for name in scores
    }


class _Files:
    """Writes the files of an evaluation to a temporary folder, and moves them to the output at the end.

    Args:
        folder: the temporary folder.
        models: their names.
        viewers: the `Viewers` of the page.
        baseline: an `Upscaler` that is shown beside the models.
    """

    def __init__(self, folder, models, viewers, baseline):
        self._folder = folder
        # A single model has no folder of its own.
        self._folders = {name: folder / name if len(models) > 1 else folder for name in models}
        self._viewers = viewers
        self._baseline = baseline

    def write_pictures(self, source, index, pair, scored, functions):
        """Writes the SR pictures and the comparison strip of one pair; `scored` maps model names to `Scored`."""
        for name, one in scored.items():
            write_picture(self._folders[name] / source.name / "sr" / f"{pair.name}.png", one.sr)
        if self._baseline.name not in scored:
            shown = {name: functions[name] for name in caption_metrics(functions)}
            scored = {self._baseline.name: evaluate_pair(self._baseline, pair, shown)} | scored
        strip = _strip(pair, scored, self._baseline.scale)
        write_picture(self._folder / source.name / "comparison" / f"{pair.name}.png", strip)
        self._viewers.add(source.name, index, len(source), pair, scored)

    def write_scores(self, results, curve):
        """Writes JSON, tables, plots and the page."""
        for result in results:
            _write_json(self._folders[result["model"]] / METRICS_FILE, result)
        pairs = differences(results)
        if pairs:
            _write_json(self._folder / COMPARISON_FILE, {"differences": pairs})
        _write_text(self._folder / _CSV_FILE, tables.to_csv(results))
        _write_text(self._folder / TABLE_FILE, tables.to_markdown(results))
        drawings = plots.perception_distortion(results, curve)
        for name, drawing in drawings.items():
            _write_text(self._folder / f"{name}.svg", drawing.svg)
        page.write(self._folder / PAGE_FILE, results, pairs, drawings.values(), self._viewers)

    def move_to(self, output):
        """Moves everything to its final place, folders first, so that metrics.json never lists missing pictures."""
        check_replaceable_files(output, [path.name for path in self._folder.iterdir() if path.is_file()])
        for path in sorted(path for path in self._folder.iterdir() if path.is_dir()):
            write_manifest(path)
            replace_folder(path, output / path.name)
        replace_files(self._folder, output)


def _strip(pair, scored, scale):
    """LR, each SR and HR side by side, with insets where the results differ most."""
    results = [one.sr for one in scored.values()]
    metrics = caption_metrics(next(iter(scored.values())).scores)
    columns = {f"LR\n{' / '.join(METRICS[metric].title for metric in metrics)}": comparison.nearest(pair.lr, scale)}
    columns |= {f"{name}\n{caption(one.scores)}": one.sr for name, one in scored.items()}
    columns["HR"] = pair.hr
    insets = comparison.differing_insets(results if len(results) > 1 else [*results, pair.hr], _INSETS, _ZOOM)
    return comparison.strip(columns, insets=insets, zoom=_ZOOM)


def _write_json(path, content):
    _write_text(path, json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _write_text(path, text):
    path.write_text(text, encoding="utf-8", errors=tables.UNENCODABLE)
