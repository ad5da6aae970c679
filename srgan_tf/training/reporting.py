"""Reports of a run: status lines, metrics.jsonl, TensorBoard and sample pictures."""

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
from srgan_tf.runs import IMAGES_PER_SECOND, METRICS_FILE, SAMPLES_FOLDER, TENSORBOARD_FOLDER
from srgan_tf.training import names
from srgan_tf.training.alarms import Alarms
from srgan_tf.training.epochs import epochs_of

_log = logging.getLogger(__name__)

_STATUS_SECONDS = 5
_DATA_BOUND = 0.2  # share of the time spent waiting for data
_VALIDATION_TAGS = (
    names.score_tag(""),
    names.sample_tag(""),
    names.alarm_tag(names.COLOUR_DRIFT),
    names.alarm_tag(names.GRID),
)


class Reporter:
    """Writes the reports of one phase.

    Args:
        workdir: the run folder.
        phase: one of `names.PHASES`.
        steps: length of the phase, for the time left.
        start_step: the step to resume from; None at the start of the phase. Reports of later steps are dropped, since
            those steps are repeated.
        batch_size: patches per step.
        pictures: number of training pictures: an epoch is as many patches.
        writes: False if another process writes: then nothing is written or logged.
    """

    def __init__(self, workdir, phase, *, steps, start_step, batch_size, pictures, writes=True):
        self._workdir = pathlib.Path(workdir)
        self._phase = phase
        self._steps = steps
        self._batch_size = batch_size
        self._pictures = pictures
        self._writes = writes
        self._events = self._workdir / TENSORBOARD_FOLDER / phase
        self._last_status = time.monotonic()
        self._writer = None
        self.go_back_to(-1 if start_step is None else start_step)

    def go_back_to(self, step):
        """Drops the reports of later steps, and restores the alarms from the others."""
        self._alarms = Alarms()
        if not self._writes:
            return
        if self._writer is not None:
            self._writer.close()
        metrics = self._workdir / METRICS_FILE
        drop_rows(metrics, self._phase, step)
        self._alarms.replay(row for row in _rows(metrics) if row["phase"] == self._phase)
        # The row of a validation is written last. Without it, its events may be incomplete.
        scored = has_scores(metrics, self._phase, step)
        for file in sorted(self._events.glob("events.*")):
            drop_events(file, step, scored=scored)
        self._writer = tf.summary.create_file_writer(str(self._events))

    def describe(self, settings):
        """Writes the settings, nested dictionaries, to TensorBoard as text."""
        if self._writes:
            with self._writer.as_default():
                # Markdown shows lines that are indented by four spaces unchanged.
                tf.summary.text(names.CONFIG, textwrap.indent(json.dumps(settings, indent=2), "    "), step=0)

    def status_due(self):
        """Whether it is time to log a line: one every few seconds."""
        return time.monotonic() - self._last_status > _STATUS_SECONDS

    def progress(self, step, scalars, logits, window):
        """Reports the steps since the last report.

        Args:
            step: number of steps done.
            scalars: floats by tag.
            logits: logits of the last step by tag, for histograms.
            window: the `Window` of those steps.
        """
        if not self._writes:
            return
        scalars = scalars | {
            names.EPOCH: epochs_of(step, self._batch_size, self._pictures),
            IMAGES_PER_SECOND: self._batch_size * window.steps / window.seconds,
            names.DATA_WAIT: window.waited / window.seconds,
            names.PEAK_MEMORY: hardware.peak_memory() / 2**30,
        }
        self._write(step, scalars | self._alarms.check(scalars))
        with self._writer.as_default():
            for tag, values in logits.items():
                local = tf.distribute.get_strategy().experimental_local_results(values)
                tf.summary.histogram(names.histogram_tag(tag), tf.concat(local, 0), step=step)
        if self.status_due() or step == self._steps:
            self.status(step, scalars, window)

    def status(self, step, scalars, window):
        """Logs one line: step, epoch, losses, speed, and the time left."""
        self._last_status = time.monotonic()
        if not self._writes:
            return
        losses = "".join(
            f"  {network} {scalars[names.loss_tag(network)]:.4g}"
            for network in (names.GENERATOR, names.DISCRIMINATOR)
            if names.loss_tag(network) in scalars
        )
        skipped = f"  skipped {scalars[names.SKIPPED]:.0f} steps" if scalars.get(names.SKIPPED) else ""
        wait = window.waited / window.seconds
        waiting = f"  data-bound: {wait:.0%} of the time waits for data" if wait > _DATA_BOUND else ""
        epoch, epochs = (epochs_of(count, self._batch_size, self._pictures) for count in (step, self._steps))
        _log.info(
            "%s %d/%d  epoch %.1f/%.1f%s  %.3g images/s  %.3g s/step  %s left%s%s",
            self._phase,
            step,
            self._steps,
            epoch,
            epochs,
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
            step: number of steps done.
            scores: mean of each metric.
            sheets: uint8 comparison strips by picture name.
        """
        if not self._writes:
            return
        with self._writer.as_default():
            for name, sheet in sheets.items():
                write_picture(self._workdir / SAMPLES_FOLDER / f"{self._phase}-{step:07d}-{name}.png", sheet)
                tf.summary.image(names.sample_tag(name), sheet[np.newaxis], step=step)
        scalars = {names.score_tag(metric): value for metric, value in scores.items()}
        self._write(step, scalars | self._alarms.check(scalars))
        figures = "  ".join(f"{metric} {value:.4g}" for metric, value in scores.items())
        _log.info("%s %d/%d  validation: %s", self._phase, step, self._steps, figures)

    def _write(self, step, scalars):
        with self._writer.as_default():  # flushes at the end of the block
            for tag, value in scalars.items():
                tf.summary.scalar(tag, value, step=step)
        numbers = json_scores({tag: float(value) for tag, value in scalars.items()})
        row = {"phase": self._phase, "step": step} | numbers
        with (self._workdir / METRICS_FILE).open("a") as file:
            file.write(json.dumps(row) + "\n")


def has_scores(file, phase, step):
    """Whether a metrics.jsonl has the validation scores of a step."""
    return any(
        row["phase"] == phase and row["step"] == step and names.score_tag("psnr_y") in row for row in _rows(file)
    )


def drop_rows(file, phase, step):
    """Removes a phase's rows of later steps from a metrics.jsonl, and an incomplete last line."""
    if not file.exists():
        return
    kept = [row for row in _rows(file) if row["phase"] != phase or row["step"] <= step]
    text = "".join(json.dumps(row) + "\n" for row in kept)
    if text != file.read_text(errors="replace"):
        with atomic_write(file) as unfinished:
            unfinished.write_text(text)


def drop_events(file, step, *, scored):
    """Removes the events of later steps from a TensorBoard file, and an incomplete last one.

    Args:
        file: the event file.
        step: the last step to keep.
        scored: whether to keep the validation of that step.
    """

    def is_kept(event):
        if event.step == step and not scored:
            return not any(value.tag.startswith(_VALIDATION_TAGS) for value in event.summary.value)
        return event.step <= step

    try:
        if all(is_kept(event) for event, _ in _events(file)):
            return
    except tf.errors.DataLossError:
        pass
    with (
        atomic_write(file) as unfinished,
        tf.io.TFRecordWriter(str(unfinished)) as writer,
        contextlib.suppress(tf.errors.DataLossError),
    ):
        for event, record in _events(file):
            if is_kept(event):
                writer.write(record)


def _events(file):
    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
        yield tf.compat.v1.Event.FromString(record), record


def _rows(file):
    return read_rows(file, phase=str, step=int)


def _duration(seconds):
    seconds = round(seconds)
    if seconds < 3600:
        return f"{seconds // 60}:{seconds % 60:02d} min"
    return f"{seconds // 3600}:{seconds % 3600 // 60:02d} h"
