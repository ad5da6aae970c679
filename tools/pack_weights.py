"""Packs the generator of a run into srgan_tf/weights/, with float16 kernels and a model card.

    python -m tools.pack_weights runs/compact_x4 --name compact_x4 --summary TEXT --data TEXT --license TEXT ...

Repeat the command with --scores to add the scores of the packed model (metrics.json of srgan-tf evaluate).
"""

import datetime
import io
import json
import pathlib
import shlex
import sys
import zipfile

import h5py
import numpy as np

from srgan_tf.commands import cli
from srgan_tf.errors import UserError, first_line
from srgan_tf.evaluation.results import read_means
from srgan_tf.files import atomic_write, read_rows, sha256
from srgan_tf.networks.saved import load_generator
from srgan_tf.runs import (
    CONFIG_FILE,
    GENERATOR_FILE,
    IMAGES_PER_SECOND,
    METRICS_FILE,
    SESSIONS_FILE,
    checkpoint_folder,
)
from srgan_tf.weights import shipped

_WEIGHTS_FILE = "model.weights.h5"  # in a .keras file


def add(run, name, *, summary, data, license_text, hardware, step=None, notes=(), scores=None):
    """Packs the generator of a run and writes its card. A repeated call writes the same file: scores can come later.

    Args:
        run: run folder.
        name: its name for `--model`.
        summary: its purpose in one sentence.
        data: the training images and their licences.
        license_text: licence of the weights.
        hardware: the hardware that it was trained on.
        step: checkpoint of the last phase to pack; None for its end.
        notes: other facts, such as the initial weights.
        scores: `metrics.json` of an evaluation of the packed model, or None.

    Returns:
        Path of the `.keras` file.

    Raises:
        UserError: not the folder of a trained run, no such checkpoint, or scores of another model.
    """
    run = pathlib.Path(run)
    try:
        config = json.loads((run / CONFIG_FILE).read_text())
        sessions = read_rows(run / SESSIONS_FILE)
        rows = read_rows(run / METRICS_FILE, phase=str, step=int)
        last, phase = sessions[-1], rows[-1]["phase"]
    except (OSError, ValueError, IndexError) as error:
        raise UserError(f"{str(run)!r} is not the folder of a trained run: {first_line(error)}") from error
    source = run / GENERATOR_FILE
    if step is not None:
        source = checkpoint_folder(run, phase, step) / GENERATOR_FILE
        rows = [row for row in rows if row["phase"] != phase or row["step"] <= step]
    generator = load_generator(source)
    file = shipped.FOLDER / f"{name}.keras"
    with atomic_write(file) as unfinished:
        store_in_float16(source, unfinished)
    card = {
        "name": name,
        "summary": summary,
        "preset": config["preset"],
        "scale": config["scale"],
        "parameters": generator.count_params(),
        "bytes": file.stat().st_size,
        "sha256": sha256(file),
        "license": license_text,
        "data": data,
        "data_fingerprint": last["data"],
        "command": shlex.join(["python", *last["command"]]),
        "steps": {phase: max(row["step"] for row in rows if row["phase"] == phase) for phase in _phases(rows)},
        "hours": round(_seconds(rows, config["data"]["batch_size"]) / 3600, 2),
        "hardware": hardware,
        "date": datetime.date.fromisoformat(last["start"][:10]).isoformat(),
        "git_commit": last["git_commit"],
        "versions": last["versions"],
        "notes": list(notes),
        "scores": _scores(scores, name) if scores else {},
        "config": config,
    }
    with atomic_write(shipped.FOLDER / f"{name}.json") as unfinished:
        unfinished.write_text(json.dumps(card, indent=1) + "\n")
    return file


def store_in_float16(source, target):
    """Copies a `.keras` file with float16 kernels, compressed. Keras loads them into float32.

    Kernels take nearly all the bytes. Small parameters, such as the variances of batch norms, keep their precision.

    Args:
        source: `.keras` file.
        target: file to write; the same source gives the same bytes.
    """
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            content = archive.read(name)
            if name == _WEIGHTS_FILE:
                content = _with_float16_kernels(content)
            elif name == "metadata.json":  # contains the time of saving
                content = json.dumps({"keras_version": json.loads(content)["keras_version"]}).encode()
            packed.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)


def _with_float16_kernels(content):
    halved = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as source, h5py.File(halved, "w") as target:
        target.attrs.update(source.attrs)

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                dtype = np.float16 if item.ndim in (2, 4) else item.dtype
                target.create_dataset(name, data=item[()].astype(dtype))
            else:
                target.require_group(name)
            target[name].attrs.update(item.attrs)

        source.visititems(copy)
    return halved.getvalue()


def _phases(rows):
    return dict.fromkeys(row["phase"] for row in rows)


def _seconds(rows, batch_size):
    """Total time of the steps: each row has the mean speed since the row before it."""
    seconds, before = 0.0, {}
    for row in rows:
        if speed := row.get(IMAGES_PER_SECOND):
            seconds += (row["step"] - before.get(row["phase"], 0)) * batch_size / speed
            before[row["phase"]] = row["step"]
    return seconds


def _scores(file, name):
    model, scores = read_means(file)
    if model != name:
        raise UserError(f"the scores in {str(file)!r} are those of {model!r}, not of {name!r}")
    return scores


def main():
    """Parses the flags and packs."""
    parser = cli.Parser(__doc__)
    parser.add_argument("run", help="run folder")
    parser.add_argument("--name", required=True, help="name of its preset")
    parser.add_argument("--summary", required=True, help="its purpose in one sentence")
    parser.add_argument("--data", required=True, help="the training images and their licences")
    parser.add_argument("--license", required=True, help="licence of the weights")
    parser.add_argument("--hardware", required=True, help="the hardware that it was trained on")
    parser.add_argument("--step", type=cli.positive_int, help="checkpoint of the last phase (default: its end)")
    parser.add_argument("--note", action="append", default=[], help="another fact; repeat for several")
    parser.add_argument("--scores", metavar="FILE", help="metrics.json of srgan-tf evaluate")
    flags = parser.parse_args()
    file = add(
        flags.run,
        flags.name,
        summary=flags.summary,
        data=flags.data,
        license_text=flags.license,
        hardware=flags.hardware,
        step=flags.step,
        notes=flags.note,
        scores=flags.scores,
    )
    print(f"done: {file} ({file.stat().st_size:,} bytes) and its card {file.with_suffix('.json').name}")


if __name__ == "__main__":
    sys.exit(cli.execute(main))
