"""Text output of an evaluation: a row per picture, and the means at the end."""

import math
import time


class Console:
    """Formats the lines of one evaluation.

    Args:
        models: their names.
        metrics: names of scores.
        total: number of pictures.
    """

    def __init__(self, models, metrics, total):
        self._metrics = metrics
        self._model_width = max(12, *map(len, models))
        self._total = total
        self._done = 0
        self._start = time.monotonic()

    def header(self):
        """The line with the column names."""
        return self._row("picture", "model", self._metrics)

    def picture(self, dataset, picture, scores):
        """A row for each model; the first one ends with the progress."""
        ends = [self._progress()] + [""] * (len(scores) - 1)
        return "\n".join(
            self._row(f"{dataset}/{picture}", model, map(_text, row.values())) + end
            for (model, row), end in zip(scores.items(), ends, strict=True)
        )

    def failure(self, reason):
        """The line for a picture that could not be scored."""
        return f"left out: {reason}{self._progress()}"

    def means(self, results):
        """The means for each data set and model, with their confidence intervals."""
        lines = ["means, and 95 % bootstrap intervals of the means"]
        for name in results[0]["datasets"]:
            for result in results:
                dataset = result["datasets"][name]
                means = [math.inf if mean is None else mean for mean in dataset["mean"].values()]
                row = self._row(f"{name}, mean of {len(dataset['images'])}", result["model"], map(_text, means))
                lines.append(f"{row}   {dataset['megapixels_per_second']:.2f} MP/s")
                intervals = [interval or (None, None) for interval in dataset["interval"].values()]
                for end, text in enumerate(("from", "to")):
                    lines.append(self._row("", text, [_text(interval[end]) for interval in intervals]))
        return "\n".join(lines)

    def _row(self, name, model, cells):
        columns = zip(self._metrics, cells, strict=True)
        return f"{name:24.24} {model:{self._model_width}}" + "".join(
            f"{cell:>{max(10, len(metric) + 2)}}" for metric, cell in columns
        )

    def _progress(self):
        self._done += 1
        left = round((time.monotonic() - self._start) / self._done * (self._total - self._done))
        return f"   {self._done}/{self._total}, {left // 60}:{left % 60:02d} min left"


def _text(value):
    return "" if value is None else f"{value:.4f}"
