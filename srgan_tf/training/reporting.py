"""What a run tells: status lines, metrics.jsonl, TensorBoard and sample pictures."""

import contextlib
import json
import logging
import pathlib
import textwrap
import time

import numpy as np
import tensorflow as tf

from srgan_tf import hardware
from srgan_tf.evaluation.scoring import json_scores
from srgan_tf.files import atomic_write, read_rows
from srgan_tf.images.pictures import write_picture
from srgan_tf.runs import METRICS_FILE, SAMPLES_FOLDER, TENSORBOARD_FOLDER
from srgan_tf.training.alarms import Alarms

_log = logging.getLogger(__name__)

_STATUS_SECONDS = 5
_DATA_BOUND = 0.2  # share of the time


class Reporter:
    """Writes one phase's figures.

    Args:
        workdir: the run folder.
        phase: "pretrain" or "gan".
        steps: length of the phase, for the time left.
        start_step: where this process begins; None at a phase's beginning. What an earlier one wrote past it is
            dropped, since those steps are made again.
        batch_size: patches a step.
        writes: False where another process writes: then nothing is written, drawn or logged.
    """

    def __init__(self, workdir, phase, *, steps, start_step, batch_size, writes=True):
        self._workdir = pathlib.Path(workdir)
        self._phase = phase
        self._steps = steps
        self._batch_size = batch_size
        self._writes = writes
        self._events = self._workdir / TENSORBOARD_FOLDER / phase
        self._said = time.monotonic()
        self._writer = None
        self.go_back_to(-1 if start_step is None else start_step)

    def go_back_to(self, step):
        """Drops what was written past a step; the alarms remember what stays."""
        self._alarms = Alarms()
        if not self._writes:
            return
        if self._writer is not None:
            self._writer.close()
        metrics = self._workdir / METRICS_FILE
        drop_rows(metrics, self._phase, step)
        self._alarms.replay(row for row in _rows(metrics) if row["phase"] == self._phase)
        # The row of a validation is written last: without it the events may be there in part.
        scored = has_scores(metrics, self._phase, step)
        for file in sorted(self._events.glob("events.*")):
            drop_events(file, step, scored=scored)
        self._writer = tf.summary.create_file_writer(str(self._events))

    def describe(self, settings):
        """Puts the settings, nested dictionaries, into TensorBoard as text."""
        if self._writes:
            with self._writer.as_default():
                # Four spaces make Markdown leave it as it is.
                tf.summary.text("config", textwrap.indent(json.dumps(settings, indent=2), "    "), step=0)

    def status_due(self):
        """Whether a line to the log is due: one every few seconds."""
        return time.monotonic() - self._said > _STATUS_SECONDS

    def progress(self, step, scalars, logits, window):
        """Reports the figures of the steps since the last report.

        Args:
            step: steps done.
            scalars: floats by tag.
            logits: the last step's, by tag, for their histograms.
            window: the `Window` of those steps.
        """
        if not self._writes:
            return
        scalars = scalars | {
            "speed/images_per_second": self._batch_size * window.steps / window.seconds,
            "speed/data_wait": window.waited / window.seconds,
            "memory/peak_gib": hardware.peak_memory() / 2**30,
        }
        self._write(step, scalars | self._alarms.check(scalars))
        with self._writer.as_default():
            for tag, values in logits.items():
                local = tf.distribute.get_strategy().experimental_local_results(values)
                tf.summary.histogram(tag.replace("logits/", "logits_histogram/"), tf.concat(local, 0), step=step)
        if self.status_due() or step == self._steps:
            self.status(step, scalars, window)

    def status(self, step, scalars, window):
        """Logs one line: where the phase is, its losses, speed, and the time left."""
        self._said = time.monotonic()
        if not self._writes:
            return
        losses = "".join(
            f"  {tag.removeprefix('loss/').removesuffix('/total')} {value:.4g}"
            for tag, value in sorted(scalars.items(), reverse=True)  # the generator first
            if tag.startswith("loss/") and tag.endswith("/total")
        )
        skipped = f"  skipped {scalars['guard/skipped']:.0f} steps" if scalars.get("guard/skipped") else ""
        wait = window.waited / window.seconds
        waiting = f"  data-bound: {wait:.0%} of the time waits for data" if wait > _DATA_BOUND else ""
        _log.info(
            "%s %d/%d%s  %.3g images/s  %.3g s/step  %s left%s%s",
            self._phase,
            step,
            self._steps,
            losses,
            self._batch_size * window.steps / window.seconds,
            window.seconds / window.steps,
            _duration(window.seconds / window.steps * (self._steps - step)),
            skipped,
            waiting,
        )

    def validation(self, step, scores, sheets):
        """Reports mean scores and writes sample pictures.

        Args:
            step: steps done.
            scores: mean of each metric.
            sheets: mapping of picture names to uint8 comparison strips.
        """
        if not self._writes:
            return
        with self._writer.as_default():
            for name, sheet in sheets.items():
                write_picture(self._workdir / SAMPLES_FOLDER / f"{self._phase}-{step:07d}-{name}.png", sheet)
                tf.summary.image(f"samples/{name}", sheet[np.newaxis], step=step)
        scalars = {f"eval/{metric}": value for metric, value in scores.items()}
        self._write(step, scalars | self._alarms.check(scalars))
        figures = "  ".join(f"{metric} {value:.4g}" for metric, value in scores.items())
        _log.info("%s %d/%d  validation: %s", self._phase, step, self._steps, figures)

    def _write(self, step, scalars):
        with self._writer.as_default():  # flushes at its end
            for tag, value in scalars.items():
                tf.summary.scalar(tag, value, step=step)
        numbers = json_scores({tag: float(value) for tag, value in scalars.items()})
        row = {"phase": self._phase, "step": step} | numbers
        with (self._workdir / METRICS_FILE).open("a") as file:
            file.write(json.dumps(row) + "\n")


def has_scores(file, phase, step):
    """Whether a metrics.jsonl has the validation scores of a step."""
    return any(row["phase"] == phase and row["step"] == step and "eval/psnr_y" in row for row in _rows(file))


def drop_rows(file, phase, step):
    """Takes the rows of a phase past a step out of a metrics.jsonl, and what a kill has left of the last line."""
    if not file.exists():
        return
    kept = [row for row in _rows(file) if row["phase"] != phase or row["step"] <= step]
    text = "".join(json.dumps(row) + "\n" for row in kept)
    if text != file.read_text(errors="replace"):
        with atomic_write(file) as unfinished:
            unfinished.write_text(text)


def drop_events(file, step, *, scored):
    """Takes the events past a step out of a file of TensorBoard's, and what a kill has left of the last one.

    Args:
        file: the file.
        step: the last one to keep.
        scored: whether the validation of that step stays.
    """

    def stays(event):
        last = event.step == step and not scored
        return event.step <= step and not (last and any(_is_validation(value.tag) for value in event.summary.value))

    try:
        if all(stays(event) for event, _ in _events(file)):
            return
    except tf.errors.DataLossError:
        pass
    with (
        atomic_write(file) as unfinished,
        tf.io.TFRecordWriter(str(unfinished)) as writer,
        contextlib.suppress(tf.errors.DataLossError),
    ):
        for event, record in _events(file):
            if stays(event):
                writer.write(record)


def _events(file):
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        yield tf.compat.v1.Event.FromString(record), record


def _is_validation(tag):
    return tag.startswith(("eval/", "samples/")) or tag == "alarm/colour_drift"


def _rows(file):
    return read_rows(file, phase=str, step=int)


def _duration(seconds):
    seconds = round(seconds)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d} min"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h"
