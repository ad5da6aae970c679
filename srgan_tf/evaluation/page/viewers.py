"""The pictures of report.html: a viewer for each, which compares two versions of it with a slider."""

import base64
import contextlib
import io
import math
import tempfile

from PIL import Image

from srgan_tf.evaluation.page import templates
from srgan_tf.evaluation.tables import UNENCODABLE, number
from srgan_tf.metrics.table import METRICS

_PART = 1 << 20  # characters that are copied at once


def caption_metrics(metrics):
    """The metrics that are shown under a picture: the first two, and the first perceptual one."""
    names = list(metrics)
    perceptual = [name for name in names if METRICS[name].perceptual]
    return list(dict.fromkeys([*names[:2], *perceptual[:1]]))


def caption(scores):
    """The scores shown under a picture, such as "29.12 / 0.8813 / 0.1402"."""
    return " / ".join(
        number(metric, scores[metric] if math.isfinite(scores[metric]) else None) for metric in caption_metrics(scores)
    )


class Viewers:
    """Collects the viewers of the page, on disk since they may be larger than the memory.

    Args:
        folder: for temporary files.
        most: maximum number of pictures of each data set.
    """

    def __init__(self, folder, most):
        self._folder = folder
        self._most = most
        self._files = {}  # data set -> a temporary file with its viewers as HTML
        self._open = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._open.close()

    def add(self, dataset, index, count, pair, shown):
        """Adds a picture if it is one of the `most` that are shown, evenly spread over `count`.

        Args:
            dataset: name.
            index: of the picture in its data set.
            count: number of pictures in the data set.
            pair: a `Pair`.
            shown: dictionary of model names to `Scored`.
        """
        if count > self._most and index * self._most // count == (index - 1) * self._most // count:
            return
        layers = [("LR", pair.lr, "")]
        layers += [(name, scored.sr, caption(scored.scores)) for name, scored in shown.items()]
        layers.append(("HR", pair.hr, ""))
        metrics = caption_metrics(next(iter(shown.values())).scores)
        height, width = pair.hr.shape[:2]
        if dataset not in self._files:
            file = tempfile.TemporaryFile("w+", encoding="utf-8", errors=UNENCODABLE, dir=self._folder)  # noqa: SIM115
            self._files[dataset] = self._open.enter_context(file)
        parts = templates.load("viewer.html").generate(
            name=f"{dataset}/{pair.name}",
            width=width,
            height=height,
            metrics=" / ".join(METRICS[metric].title for metric in metrics),
            layers=[{"name": name, "scores": scores, "url": _data_url(picture)} for name, picture, scores in layers],
            left=1,
            right=len(layers) - (2 if len(shown) > 1 else 1),
        )
        self._files[dataset].writelines(parts)

    def parts(self, dataset):
        """Yields the HTML of a data set's viewers in parts."""
        if dataset in self._files:
            self._files[dataset].seek(0)
            yield from iter(lambda: self._files[dataset].read(_PART), "")


def _data_url(picture):
    """A lossless image as a data: URL. WebP holds at most 16383 pixels a side; larger ones are PNG."""
    file = io.BytesIO()
    kind = "webp" if max(picture.shape) < 2**14 else "png"
    Image.fromarray(picture).save(file, kind, **({"lossless": True, "method": 2} if kind == "webp" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
