"""The main job through the command line: train, kill, resume, evaluate, upscale, export, reload."""

import collections
import datetime
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.samples import FAST, ROOT, assert_same_picture, repetitions

from srgan_tf.config.schema import Config
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.pictures import read_picture, write_picture
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.networks.saved import load_generator
from srgan_tf.runs import CONFIG_FILE, GENERATOR_FILE, SESSIONS_FILE, checkpoint_folder
from srgan_tf.training import run as training_run

TRAIN = [sys.executable, str(ROOT / "train.py"), *FAST]


def weights_of(workdir):
    return load_generator(str(workdir)).get_weights()


def stop_when(workdir, phase, step, number=signal.SIGKILL):
    """Starts a training in `workdir` and sends it a signal as soon as it has reported a step; returns its output."""
    process = subprocess.Popen(
        [*TRAIN, "--workdir", str(workdir)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    metrics = workdir / "metrics.jsonl"
    report = f'"phase": "{phase}", "step": {step},'
    deadline = time.monotonic() + 120
    while not (metrics.exists() and report in metrics.read_text()):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    return process.returncode, output


@pytest.mark.parametrize("number", repetitions(100))
def test_a_run_killed_in_both_phases_resumes_to_the_same_weights(tmp_path, trained_run, number):
    workdir = tmp_path / "killed"
    seed = f"{datetime.date.today().isoformat()} {number}"  # other steps every day
    rng = random.Random(seed)
    first, second = rng.choice((2, 4, 6, 8, 10)), rng.choice((2, 4, 6))
    print(f"seed {seed!r}: killed at pretrain {first}, gan {second}")
    assert stop_when(workdir, "pretrain", first)[0] == -signal.SIGKILL
    assert stop_when(workdir, "gan", second)[0] == -signal.SIGKILL
    finished = subprocess.run([*TRAIN, "--workdir", str(workdir)], capture_output=True, text=True, check=True)
    assert "pretrain" not in finished.stdout.split("\n", 1)[1]  # done before: not begun again
    for killed, unbroken in zip(weights_of(workdir), weights_of(trained_run), strict=True):
        np.testing.assert_array_equal(killed, unbroken)
    assert_same_reports(workdir, trained_run)
    assert json.loads((workdir / "config.json").read_text()) == json.loads((trained_run / "config.json").read_text())
    assert len((workdir / "sessions.jsonl").read_text().splitlines()) == 3


def test_a_run_without_its_last_checkpoint_resumes_to_the_same_weights(tmp_path, trained_run):
    """What a kill in the GAN phase leaves; the test above kills real processes in both phases."""
    workdir = tmp_path / "killed"
    shutil.copytree(trained_run, workdir)
    (workdir / GENERATOR_FILE).unlink()
    shutil.rmtree(checkpoint_folder(workdir, "gan", 8))
    training_run.run(Config.from_dict(json.loads((workdir / CONFIG_FILE).read_text())), workdir)
    for resumed, unbroken in zip(weights_of(workdir), weights_of(trained_run), strict=True):
        np.testing.assert_array_equal(resumed, unbroken)
    assert_same_reports(workdir, trained_run)
    assert len((workdir / SESSIONS_FILE).read_text().splitlines()) == 2


@pytest.mark.slow  # tests/training/test_loop.py raises both signals in its own process
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), pytest.param(signal.SIGINT, 130, marks=pytest.mark.soak)]
)
def test_an_interrupted_run_saves_a_checkpoint_and_resumes(tmp_path, trained_run, number, code):
    workdir = tmp_path / "interrupted"
    returned, output = stop_when(workdir, "pretrain", 6, number)
    assert returned == code, output
    saved = int(re.search(r"saved at step (\d+)", output)[1])
    assert "the same command resumes from there" in output
    assert saved >= 6
    finished = subprocess.run([*TRAIN, "--workdir", str(workdir)], capture_output=True, text=True, check=True)
    assert f"pretrain: resumed at step {saved} of 12" in finished.stdout
    for interrupted, unbroken in zip(weights_of(workdir), weights_of(trained_run), strict=True):
        np.testing.assert_array_equal(interrupted, unbroken)
    assert_same_reports(workdir, trained_run)


def assert_same_reports(workdir, unbroken):
    """No step is missing or doubled, in metrics.jsonl and in TensorBoard; the scores are the same numbers."""

    def rows(folder):
        return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]

    def scores(folder):
        return [{tag: value for tag, value in row.items() if tag.startswith("eval/")} for row in rows(folder)]

    def events(folder, phase):
        steps = collections.defaultdict(list)
        for file in sorted((folder / "tensorboard" / phase).iterdir()):
            for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
                event = tf.compat.v1.Event.FromString(record)
                for value in event.summary.value:
                    steps[value.tag].append(event.step)
        return steps

    assert [(row["phase"], row["step"], row.keys()) for row in rows(workdir)] == [
        (row["phase"], row["step"], row.keys()) for row in rows(unbroken)
    ]
    assert scores(workdir) == scores(unbroken)
    for phase in ("pretrain", "gan"):
        assert events(workdir, phase) == events(unbroken, phase)


def test_evaluate_upscale_export_reload(run_script, tmp_path, trained_run):
    results, data = tmp_path / "results", tmp_path / "data"
    for index in range(2):
        write_picture(data / f"{index}.png", draw_picture(index, 48, 64))
    code, output, error = run_script("evaluate", "--model", trained_run, "--data", data, "--output", results)
    assert code == 0, error
    assert "protocol:" in output
    metrics = json.loads((results / "metrics.json").read_text())
    assert len(metrics["datasets"]["data"]["images"]) == 2
    assert len(list((results / "data" / "comparison").glob("*.png"))) == 2
    assert (results / "report.html").is_file()

    arguments = ["--model", "bicubic", "--model", f"named={trained_run}", "--interpolate", trained_run, trained_run]
    arguments += ["--alpha", "0", "0.5", "--ensemble", "--data", data, "--protocol", "all", "--output", results]
    code, output, error = run_script("evaluate", *arguments)
    assert code == 0, error
    names = ["bicubic", "named", "fast-fast@0", "fast-fast@0.5", "named+", "fast-fast@0+", "fast-fast@0.5+"]
    means = {
        name: json.loads((results / name / "metrics.json").read_text())["datasets"]["data"]["mean"] for name in names
    }
    # A network between a network and itself is that network.
    assert means["fast-fast@0.5"] == pytest.approx(means["named"], rel=1e-4)
    assert means["named+"] == pytest.approx(means["named"], rel=0.01)
    assert list(means["named"]) == [
        *("psnr_y", "ssim_y", "psnr_rgb", "ssim_rgb", "psnr_rgb_full", "ssim_rgb_full", "psnr_lr")
    ]

    write_picture(tmp_path / "in" / "deep" / "photo.png", draw_picture(5, 33, 47))
    pictures = ("upscale", tmp_path / "in", "--precision", "float32")
    code, _, error = run_script(*pictures, "--model", trained_run, "--output", tmp_path / "out")
    assert code == 0, error
    sr = read_picture(tmp_path / "out" / "deep" / "photo.png")
    assert sr.shape == (132, 188, 3)

    code, output, error = run_script("export", "--model", trained_run, "--output", tmp_path / "served")
    assert code == 0, error
    assert "verified: every signature equals" in output
    code, _, error = run_script(*pictures, "--model", tmp_path / "served", "--output", tmp_path / "out2")
    assert code == 0, error
    assert_same_picture(read_picture(tmp_path / "out2" / "deep" / "photo.png"), sr)


@pytest.mark.slow
def test_tiny_learns_more_than_bicubic_within_a_minute_of_two_cores(tmp_path):
    """The README's first promise, through the real script. Processor time does not depend on what else runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "train.py", "--preset", "tiny", "--data", "synthetic", "--workdir", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2 * 60
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    scores = [row["eval/psnr_y"] for row in rows if "eval/psnr_y" in row]
    from srgan_tf.data.sources import open_source
    from srgan_tf.evaluation import scoring
    from srgan_tf.metrics.table import load_metrics

    metrics = load_metrics(["psnr_y"])
    valid = open_source("synthetic", split="valid", scale=4, synthetic_count=4, synthetic_size=192)
    bicubic, tiny = (
        scoring.mean_scores(scoring.evaluate_pair(upscaler, pair, metrics).scores for pair in valid)["psnr_y"]
        for upscaler in map(load_upscaler, ("bicubic", str(tmp_path)))
    )
    assert tiny == pytest.approx(scores[-1])
    assert tiny > bicubic + 1.0


def test_help_and_list_name_the_main_flags_and_presets(run_script):
    for script, words in (
        ("train", ("--preset", "--data", "--set", "--workdir", "resume")),
        ("evaluate", ("--model", "--data", "bicubic", "--protocol", "--interpolate", "--metric")),
        ("upscale", ("PICTURE_OR_FOLDER", "--output")),
        ("export", ("--format", "saved_model")),
    ):
        code, output, _ = run_script(script, "--help")
        assert code == 0
        assert all(word in output for word in words)
    code, output, _ = run_script("train", "--preset", "tiny", "--list")
    assert code == 0
    assert "srgan_x4" in output
    assert "gan.adversarial_weight = 0.0001" in output


def test_generator_of_a_run_is_a_plain_keras_file(trained_run, rng):
    model = keras.saving.load_model(trained_run / "generator.keras")
    assert model(rng.random((1, 5, 7, 3), np.float32)).shape == (1, 20, 28, 3)
