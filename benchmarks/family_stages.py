"""The stages of a row of `benchmarks family`: train, score, upscale, export. Each runs a command of `srgan-tf`."""

import json
import resource
import signal
import subprocess
import sys
import time

import numpy as np

from benchmarks.family_rows import RANKED, Row, load, presets_of, settings_of, start_of
from srgan_tf.config import presets
from srgan_tf.data.sources import open_source
from srgan_tf.errors import WorkError
from srgan_tf.files import atomic_write, make_folder, read_rows
from srgan_tf.images.pictures import read_picture, write_picture
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.runs import METRICS_FILE, checkpoints_folder
from srgan_tf.training.checkpoints import steps_in
from srgan_tf.training.names import GENERATOR, PRETRAIN, loss_tag

_PROGRAM = (sys.executable, "-m", "srgan_tf")
_TILE = 24  # LR pixels: several tiles each way in any picture of Set14
_POLL_SECONDS = 0.1


class Record:
    """What is known of a row, in OUTPUT/rows/NAME.json; the file is written after each stage.

    Attributes:
        facts: "done" (stages), "seconds" (of CPU by command), "failed" (the error or None), and what the stages return.
    """

    def __init__(self, output, name):
        self._file = output / "rows" / f"{name}.json"
        self.facts = {"name": name, "done": [], "seconds": {}, "failed": None}
        if self._file.is_file():
            self.facts |= json.loads(self._file.read_text())

    def write(self, **facts):
        """Adds facts and writes all of them."""
        self.facts |= facts
        make_folder(self._file.parent)
        with atomic_write(self._file) as unfinished:
            unfinished.write_text(json.dumps(self.facts, indent=2) + "\n")


def work(row, flags):
    """Runs the stages of a row that are not done. A failure is recorded and ends the row."""
    record = Record(flags.output, row.name)
    record.write(presets=presets_of(row, flags.budget), phase=row.phase, seed=row.seed, failed=None)
    try:
        for stage in (train, score, upscale, export):
            if stage.__name__ not in record.facts["done"]:
                facts = stage(row, flags, record)
                record.write(**facts, done=[*record.facts["done"], stage.__name__])
    except WorkError as error:
        print(f"{row.name}: {error}", flush=True)
        record.write(failed=str(error))


def train(row, flags, record):
    """Trains a row, interrupts it once after half of its steps, and resumes it."""
    workdir = _run_folder(row, flags)
    config = load(row.preset, flags.budget)
    steps = getattr(config, row.phase).steps
    settings = [*settings_of(row.preset, flags.budget), f"reporting.checkpoint_every={max(1, steps // 4)}"]
    if row.phase == PRETRAIN:
        settings.append("gan.steps=0")
    else:
        settings.append("pretrain.steps=0")
        if config.gan.rank_weight:
            settings.append(f"gan.ranker={_train_ranker(flags, record)}")
    command = ["train", "--preset", row.preset, "--data", flags.data, "--valid", flags.valid]
    command += ["--workdir", str(workdir), "--seed", str(row.seed)]
    if row.phase != PRETRAIN:
        command += ["--init-generator", str(_run_folder(start_of(row, flags.budget), flags))]
    command += [text for setting in settings for text in ("--set", setting)]
    checkpoints = checkpoints_folder(workdir, row.phase)

    def newest():
        return (steps_in(checkpoints) or [0])[-1]

    if "interrupted_at" not in record.facts and newest() < steps // 2:
        run(command, record, "train", stop_when=lambda: steps // 2 <= newest() < steps)
    if "interrupted_at" not in record.facts:  # by the signal, or by whatever ended this benchmark
        record.write(interrupted_at=newest() if newest() < steps else None)
    run(command, record, "train")
    reports = [each for each in read_rows(workdir / METRICS_FILE, phase=str, step=int) if each["phase"] == row.phase]
    reported = [each["step"] for each in reports if loss_tag(GENERATOR) in each]
    if len(reported) != len(set(reported)) or newest() != steps:
        raise WorkError(f"{str(workdir)!r} is not one run of {steps} steps: it has reports of the steps {reported}")
    return {"steps": steps}


def _train_ranker(flags, record):
    file = flags.output / "ranker" / "ranker.keras"
    if not file.is_file():
        sizes = {"places": 80, "patch-size": 192, "steps": 200, "batch-size": 8, "num-filters": 8}
        models = [("--model", str(_run_folder(Row(*model, 0), flags))) for model in RANKED]
        options = [*models, *((f"--{name}", str(size)) for name, size in sizes.items())]
        command = ["rank", "--data", flags.data, "--output", str(file)]
        run([*command, *(text for option in options for text in option)], record, "ranker")
    return file


def score(row, flags, record):
    """Scores a row's generator on the pictures for its preset."""
    return {"scores": evaluate(str(_run_folder(row, flags)), row.name, scored_on(row.preset, flags), flags, record)}


def evaluate(model, name, data, flags, record):
    """The mean scores of a model by metric."""
    output = flags.output / "scores" / name
    metrics = ["--metric", "niqe", "--metric", "stlpips"]
    run(["evaluate", "--model", f"{name}={model}", "--data", data, *metrics, "--output", str(output)], record, "score")
    (dataset,) = json.loads((output / "metrics.json").read_text())["datasets"].values()
    return dataset["mean"]


def scored_on(preset, flags):
    """The pictures that score a preset."""
    degraded = presets.load_preset(preset).data.degradation != "bicubic"
    return flags.degraded if degraded and flags.degraded else flags.score


def upscale(row, flags, record):
    """Upscales a picture in tiles, and compares the result with that of the whole picture."""
    file = flags.output / "lr" / "picture.png"
    if not file.is_file():
        make_folder(file.parent)
        write_picture(file, next(iter(open_source(flags.score, split="valid", scale=4).select([0]))).lr)
    model, output = str(_run_folder(row, flags)), flags.output / "upscaled" / row.name
    options = ["--tile", str(_TILE), "--precision", "float32"]
    run(["upscale", str(file), "--model", model, *options, "--output", str(output)], record, "upscale")
    whole = load_upscaler(model, precision="float32").upscale(read_picture(file))
    tiled = read_picture(output / file.name)
    return {"tiles_differ_by": int(np.abs(tiled.astype(int) - whole).max())}


def export(row, flags, record):
    """Exports a row's generator as a SavedModel; the command compares the two."""
    folder = flags.output / "exports" / row.name
    model = str(_run_folder(row, flags))
    run(["export", "--model", model, "--output", str(folder), "--version", "1"], record, "export")
    return {"export_bytes": sum(file.stat().st_size for file in (folder / "1").rglob("*") if file.is_file())}


def _run_folder(row, flags):
    return flags.output / "runs" / row.name


def run(command, record, stage, stop_when=lambda: False):
    """Runs a subcommand of srgan-tf, and adds its CPU seconds to those of the stage.

    Args:
        command: its words.
        record: the row's `Record`.
        stage: name for the seconds.
        stop_when: function without arguments: when it is true, the command gets SIGTERM, once.

    Returns:
        Whether the command was stopped by that signal.

    Raises:
        WorkError: it failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen([*_PROGRAM, *command])
    stopped = False
    try:
        while process.poll() is None:
            if stop_when():
                stopped = True
                process.terminate()
                process.wait()
            time.sleep(_POLL_SECONDS)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = record.facts["seconds"]
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    record.write(seconds=seconds | {stage: seconds.get(stage, 0.0) + spent})
    # After the signal: it saved and ended, ended at once, or was just done.
    accepted = (128 + signal.SIGTERM, -signal.SIGTERM, 0) if stopped else (0,)
    if process.returncode not in accepted:
        raise WorkError(f"exit code {process.returncode}: srgan-tf {' '.join(command)}")
    return stopped and process.returncode != 0
