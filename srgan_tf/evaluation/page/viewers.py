"""The pictures of report.html: for each a viewer that lays two of its versions over each other."""

import base64
import contextlib
import io
import math
import shutil
import tempfile
from html import escape

from PIL import Image

from srgan_tf.evaluation.page.templates import fill
from srgan_tf.evaluation.tables import number
from srgan_tf.metrics.table import METRICS


def caption_metrics(metrics):
    """Of many scores the few that fit under a picture: the first two, and the first perceptual one."""
    names = list(metrics)
    perceptual = [name for name in names if METRICS[name].perceptual]
    return list(dict.fromkeys([*names[:2], *perceptual[:1]]))


def caption(scores):
    """These scores in a few characters, such as "29.12 / 0.8813 / 0.1402"."""
    return " / ".join(
        number(metric, scores[metric] if math.isfinite(scores[metric]) else None) for metric in caption_metrics(scores)
    )


class Viewers:
    """The part of the page that holds pictures. It is kept on disk while it grows.

    Args:
        folder: where it is kept, in files without names.
        most: how many pictures of each data set are shown.
    """

    def __init__(self, folder, most):
        self._folder = folder
        self._most = most
        self._files = {}  # data set -> its part of the page
        self._open = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._open.close()

    def add(self, dataset, index, count, pair, shown):
        """Adds a picture, if it is among those that are shown: `most` of `count`, evenly spread.

        Args:
            dataset: name.
            index: place of the picture in its data set.
            count: pictures in the data set.
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
            file = tempfile.TemporaryFile("w+", encoding="utf-8", dir=self._folder)  # noqa: SIM115 - closed with the stack
            self._files[dataset] = self._open.enter_context(file)
        self._files[dataset].write(
            fill(
                "viewer.html",
                name=escape(f"{dataset}/{pair.name}"),
                size=f"{width}&times;{height}",
                metrics=escape(" / ".join(METRICS[metric].title for metric in metrics)),
                lefts=_options(layers, chosen=1),
                rights=_options(layers, chosen=len(layers) - 2 if len(shown) > 1 else len(layers) - 1),
                style=f"--aspect: {width} / {height}; --width: {max(width, 480)}px",
                panes="\n".join(_pane(dataset, pair.name, *layer) for layer in layers),
            )
        )

    def copy_to(self, file, dataset):
        """Appends a data set's part to an open text file."""
        if dataset in self._files:
            self._files[dataset].seek(0)
            shutil.copyfileobj(self._files[dataset], file)


def _options(layers, chosen):
    return "".join(
        f"<option{' selected' if index == chosen else ''}>{escape(name)}</option>"
        for index, (name, _, _) in enumerate(layers)
    )


def _pane(dataset, picture, name, pixels, scores):
    file = io.BytesIO()
    # Without loss, so that nothing is seen that is not there; WebP where it can be as large.
    kind = "webp" if max(pixels.shape) < 2**14 else "png"
    Image.fromarray(pixels).save(file, kind, **({"lossless": True, "method": 2} if kind == "webp" else {}))
    source = f"data:image/{kind};base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    alt = ", ".join(filter(None, [f"{dataset}/{picture}", name, scores]))
    style = ' class="lr"' if name == "LR" else ""
    return (
        f'<div class="pane" data-name="{escape(name)}">'
        f'<img{style} alt="{escape(alt)}" loading="lazy" decoding="async" src="{source}">'
        f"<span>{'<br>'.join(map(escape, filter(None, [name, scores])))}</span></div>"
    )
