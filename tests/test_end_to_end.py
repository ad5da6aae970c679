"""The main job through the command line: train, kill, resume, evaluate, upscale, export, reload."""

import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from conftest import FAST, ROOT, assert_same_picture

from srgan_tf.data.pictures import read_picture, write_picture
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.inference import load_generator, load_upscaler

TRAIN = [sys.executable, str(ROOT / "train.py"), *FAST]


def weights_of(workdir):
    return load_generator(str(workdir)).get_weights()


def kill_when(workdir, phase, step):
    """Starts a training in `workdir` and kills it as soon as it has reported a step."""
    process = subprocess.Popen(
        [*TRAIN, "--workdir", str(workdir)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        if line.startswith(f"{phase} {step}/"):
            process.send_signal(signal.SIGKILL)
            break
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL


def test_killed_in_both_phases_and_resumed_equals_unbroken(tmp_path, trained_run):
    workdir = tmp_path / "killed"
    kill_when(workdir, "pretrain", 6)
    kill_when(workdir, "gan", 6)
    finished = subprocess.run([*TRAIN, "--workdir", str(workdir)], capture_output=True, text=True, check=True)
    assert "gan: resumed at step 4 of 8" in finished.stdout
    assert "pretrain" not in finished.stdout.split("\n", 1)[1]  # done before: not begun again
    for killed, unbroken in zip(weights_of(workdir), weights_of(trained_run), strict=True):
        np.testing.assert_array_equal(killed, unbroken)
    reports = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    steps = [(row["phase"], row["step"]) for row in reports if "loss/generator/total" in row]
    assert steps == [("pretrain", step) for step in range(2, 13, 2)] + [("gan", step) for step in range(2, 9, 2)]
    assert json.loads((workdir / "config.json").read_text()) == json.loads((trained_run / "config.json").read_text())


def test_evaluate_upscale_export_reload(run_script, tmp_path, trained_run):
    results = tmp_path / "results"
    code, output, error = run_script("evaluate", "--model", trained_run, "--data", "synthetic", "--output", results)
    assert code == 0, error
    assert "protocol:" in output
    metrics = json.loads((results / "metrics.json").read_text())
    assert len(metrics["datasets"]["synthetic"]["images"]) == 8
    assert len(list((results / "synthetic" / "comparison").glob("*.png"))) == 8

    write_picture(tmp_path / "in" / "deep" / "photo.png", draw_picture(5, 33, 47))
    code, _, error = run_script("upscale", tmp_path / "in", "--model", trained_run, "--output", tmp_path / "out")
    assert code == 0, error
    sr = read_picture(tmp_path / "out" / "deep" / "photo.png")
    assert sr.shape == (132, 188, 3)

    code, output, error = run_script("export", "--model", trained_run, "--output", tmp_path / "served")
    assert code == 0, error
    assert "loaded again and equal" in output
    code, _, error = run_script(
        "upscale", tmp_path / "in", "--model", tmp_path / "served", "--output", tmp_path / "out2"
    )
    assert code == 0, error
    assert_same_picture(read_picture(tmp_path / "out2" / "deep" / "photo.png"), sr)


def test_tiny_learns_more_than_bicubic_within_a_minute(tmp_path):
    """The README's first promise, through the real script."""
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "train.py", "--preset", "tiny", "--data", "synthetic", "--workdir", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert time.monotonic() - start < 300
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    scores = [row["eval/psnr_y"] for row in rows if "eval/psnr_y" in row]
    from srgan_tf import evaluation
    from srgan_tf.data.sources import open_source

    valid = open_source("synthetic", split="valid", scale=4, synthetic_count=4, synthetic_size=192)
    bicubic, tiny = (
        evaluation.mean_scores(scored.scores for scored in evaluation.evaluate(load_upscaler(model), valid))["psnr_y"]
        for model in ("bicubic", str(tmp_path))
    )
    assert tiny == pytest.approx(scores[-1])
    assert tiny > bicubic + 1.0


def test_help_and_list_are_good_enough_to_work_from(run_script):
    for script, words in (
        ("train", ("--preset", "--data", "--set", "--workdir", "goes on")),
        ("evaluate", ("--model", "--data", "bicubic")),
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
