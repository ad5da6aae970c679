"""The contents of metrics.json and comparison.json, from which tables, plots and the page are made.

A result (metrics.json) describes one model:

    {"model", "scale", "protocol", "peak_memory_gib",
     "datasets": {NAME: {"images": [{"name", METRIC: value, ...}], "mean": {METRIC: value, ...},
                         "interval": {METRIC: [low, high], ...}, "failed": [reason], "blended": [name],
                         "megapixels_per_second"}}}

`blended` has the pictures that were upscaled in blended tiles: with more free memory, their scores may differ. A result
of a diffusion network has its number of steps and its seed as "sampling". A value is None if a score is not finite, as
the PSNR of equal pictures.
"""

import itertools
import json
import math
import pathlib

import numpy as np

from srgan_tf.errors import UserError, first_line
from srgan_tf.evaluation.scoring import json_scores, mean_scores
from srgan_tf.metrics.statistics import bootstrap_interval


def read_means(file):
    """Reads the means of a metrics.json.

    Returns:
        (name of the model or None; {"protocol": description, DATASET: {METRIC: mean}}).

    Raises:
        UserError: the file is not a metrics.json of an evaluation.
    """
    try:
        result = json.loads(pathlib.Path(file).read_text())
        means = {
            name: {metric: None if value is None else float(value) for metric, value in dataset["mean"].items()}
            for name, dataset in result["datasets"].items()
        }
        return result.get("model"), {"protocol": result["protocol"]} | means
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{str(file)!r} is not a metrics.json of srgan-tf evaluate: {first_line(error)}") from error


def summarize(names, scores, *, failed, rates, blended):
    """The entry of one data set in a result.

    Args:
        names: of the pictures.
        scores: list of their scores, in the same order.
        failed: reasons why pictures could not be scored.
        rates: SR megapixels per second of each picture. The median is kept, since the first includes compilation.
        blended: names of the pictures that were upscaled in blended tiles.
    """
    metrics = list(scores[0])
    return {
        "images": [{"name": name} | json_scores(row) for name, row in zip(names, scores, strict=True)],
        "mean": json_scores(mean_scores(scores)),
        "interval": {metric: bootstrap_interval([row[metric] for row in scores]) for metric in metrics},
        "failed": failed,
        "blended": blended,
        "megapixels_per_second": float(np.median(rates)),
    }


def differences(results):
    """Differences between models: each minus each one before it, image by image.

    Args:
        results: one for each model, of the same data sets and pictures.

    Returns:
        List of `{"dataset", "model", "baseline", "difference": {METRIC: value}, "interval": {METRIC: [low, high]}}`.
    """
    rows = []
    for first, second in itertools.combinations(results, 2):
        for name, dataset in second["datasets"].items():
            other = first["datasets"][name]
            paired = [
                {metric: _difference(image[metric], before[metric]) for metric in dataset["mean"]}
                for image, before in zip(dataset["images"], other["images"], strict=True)
            ]
            rows.append(
                {
                    "dataset": name,
                    "model": second["model"],
                    "baseline": first["model"],
                    "difference": json_scores(mean_scores(paired)),
                    "interval": {metric: bootstrap_interval([row[metric] for row in paired]) for metric in paired[0]},
                }
            )
    return rows


def over_seeds(results):
    """Scores of diffusion networks that were scored with several seeds.

    Args:
        results: one for each model and seed; the names end in -seedN.

    Returns:
        {(model, data set): {METRIC: (mean, lowest, highest) over the seeds of the means over pictures}}.
    """
    groups = {}
    for result in results:
        name, separator, _ = result["model"].rpartition("-seed")
        if separator and "sampling" in result:
            for dataset, content in result["datasets"].items():
                groups.setdefault((name, dataset), []).append(content["mean"])
    return {
        key: {metric: _summary([mean[metric] for mean in means]) for metric in means[0]}
        for key, means in groups.items()
        if len(means) > 1
    }


def _summary(values):
    if None in values:
        return None, None, None
    return float(np.mean(values)), min(values), max(values)


def _difference(value, before):
    return math.nan if value is None or before is None else value - before
