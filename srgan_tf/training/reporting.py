"""What a run tells: status lines, metrics.jsonl, TensorBoard and sample pictures."""

import json
import logging
import pathlib
import time

import numpy as np
import tensorflow as tf

from srgan_tf import comparison
from srgan_tf.data.pictures import write_picture
from srgan_tf.evaluation import json_scores
from srgan_tf.outputs import written_aside
from srgan_tf.resize import imresize

_log = logging.getLogger(__name__)

_SAMPLE_SIZE = 256  # HR pixels: side of the crops that are drawn


class Reporter:
    """Writes one phase's figures.

    Args:
        workdir: the run folder.
        phase: "pretrain" or "gan".
        steps: length of the phase, for the time left.
        start_step: where this process begins. What an earlier one wrote past it is dropped from metrics.jsonl, since
            those steps are made again.
        batch_size: patches a step.
    """

    def __init__(self, workdir, phase, *, steps, start_step, batch_size):
        self._workdir = pathlib.Path(workdir)
        self._phase = phase
        self._steps = steps
        self._batch_size = batch_size
        self._metrics_file = self._workdir / "metrics.jsonl"
        _drop_rows(self._metrics_file, phase, start_step)
        self._writer = tf.summary.create_file_writer(str(self._workdir / "tensorboard" / phase))
        self._last = start_step, time.monotonic()

    def pause(self):
        """Leaves the time since the last report out of the speed, as after a validation."""
        self._last = self._last[0], time.monotonic()

    def progress(self, step, scalars):
        """Reports the mean figures of the steps since the last report, with the speed."""
        last_step, last_time = self._last
        now = time.monotonic()
        seconds_per_step = (now - last_time) / max(1, step - last_step)
        self._last = step, now
        self._write(step, scalars | {"speed/images_per_second": self._batch_size / seconds_per_step})
        losses = "  ".join(
            f"{tag.removeprefix('loss/').replace('/', ' ')} {value:.4g}"
            for tag, value in scalars.items()
            if tag.startswith("loss/") and tag.endswith("/total")
        )
        _log.info(
            "%s %d/%d  %s  %.3g steps/s  %.3g images/s  %s left",
            self._phase,
            step,
            self._steps,
            losses,
            1 / seconds_per_step,
            self._batch_size / seconds_per_step,
            _duration(seconds_per_step * (self._steps - step)),
        )

    def validation(self, step, scores, sheets):
        """Reports mean scores and writes sample pictures.

        Args:
            step: steps done.
            scores: mean of each metric.
            sheets: mapping of picture names to uint8 comparison strips.
        """
        self._write(step, {f"eval/{metric}": value for metric, value in scores.items()})
        with self._writer.as_default():
            for name, sheet in sheets.items():
                write_picture(self._workdir / "samples" / f"{self._phase}-{step:07d}-{name}.png", sheet)
                tf.summary.image(f"samples/{name}", sheet[np.newaxis], step=step)
        self._writer.flush()
        figures = "  ".join(f"{metric} {value:.4g}" for metric, value in scores.items())
        _log.info("%s %d/%d  validation: %s", self._phase, step, self._steps, figures)

    def _write(self, step, scalars):
        numbers = json_scores({tag: float(value) for tag, value in scalars.items()})
        row = {"phase": self._phase, "step": step} | numbers
        with self._metrics_file.open("a") as file:
            file.write(json.dumps(row) + "\n")
        with self._writer.as_default():
            for tag, value in scalars.items():
                tf.summary.scalar(tag, value, step=step)
        self._writer.flush()


def sample_sheet(upscaler, pair):
    """LR, bicubic, SR and HR of the middle of a pair, side by side, with the busiest place enlarged."""
    scale = upscaler.scale
    side = min(_SAMPLE_SIZE // scale, *pair.lr.shape[:2])
    top, left = ((size - side) // 2 for size in pair.lr.shape[:2])
    lr = pair.lr[top : top + side, left : left + side]
    hr = pair.hr[scale * top : scale * (top + side), scale * left : scale * (left + side)]
    columns = {
        "LR": comparison.nearest(lr, scale),
        "bicubic": imresize(lr, *hr.shape[:2]),
        "SR": upscaler.upscale(lr),
        "HR": hr,
    }
    zoom = 4
    return comparison.strip(columns, insets=[comparison.busiest_inset(hr, zoom)], zoom=zoom)


def _drop_rows(file, phase, start_step):
    if not file.exists():
        return
    lines = file.read_text().splitlines()
    kept = []
    for line in lines:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue  # cut short when the run was killed
        if row["phase"] != phase or row["step"] <= start_step:
            kept.append(line)
    if kept != lines:
        with written_aside(file) as unfinished:
            unfinished.write_text("".join(line + "\n" for line in kept))


def _duration(seconds):
    seconds = round(seconds)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d} min"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h"
