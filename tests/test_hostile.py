"""Generated hostile files through upscale, evaluate and the served signature: one-line reasons, no traceback, no hang.

`pytest -n 0 -m soak tests/test_hostile.py` sends 5,000.
"""

import json
import time

import numpy as np
import pytest
import tensorflow as tf
from support.hostile import hostile_models, hostile_picture, write_hostile_pictures
from support.serving_v1 import ServedModel

from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.images.listing import list_pictures
from srgan_tf.networks.generators import srresnet

LONGEST = 60  # seconds per picture
BATCHES = [
    pytest.param(range(60), marks=pytest.mark.slow),
    *(pytest.param(range(first, first + 190), marks=pytest.mark.soak) for first in range(60, 5000, 190)),
]


@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_upscale(run_script, tmp_path, seeds):
    number = write_hostile_pictures(tmp_path / "in", seeds)
    start = time.monotonic()
    code, output, error = run_script("upscale", tmp_path / "in", "--model", "bicubic", "--output", tmp_path / "out")
    assert time.monotonic() - start < LONGEST + number
    lines = [line for line in output.splitlines() if line.startswith("[")]
    failed = [line for line in lines if "] failed: " in line]
    assert len(lines) == number
    assert all(line.isprintable() for line in lines)
    assert code == 1
    assert error.splitlines() == [f"upscale.py: failed: {len(failed)} of {number} pictures failed"]
    written = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(written) == number - len(failed)
    assert "good.png" in written


@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_evaluate(run_script, tmp_path, seeds):
    write_hostile_pictures(tmp_path / "in", seeds)
    arguments = ("--model", "bicubic", "--scale", 2, "--report-pictures", 0)
    code, _, error = run_script("evaluate", *arguments, "--data", tmp_path / "in", "--output", tmp_path / "out")
    assert code == 1
    assert len(error.splitlines()) == 1
    dataset = json.loads((tmp_path / "out" / "metrics.json").read_text())["datasets"]["in"]
    assert "good" in [image["name"] for image in dataset["images"]]
    assert len(dataset["images"]) + len(dataset["failed"]) == len(list_pictures(tmp_path / "in"))
    assert all(reason.isprintable() for reason in dataset["failed"])
    assert not list((tmp_path / "out").glob(".unfinished-*"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    generator = srresnet(num_blocks=1, num_filters=8)
    return ServedModel(
        export_saved_model(generator, tmp_path_factory.mktemp("served"), max_pixels=4096, warm_up_sizes=[])
    )


@pytest.mark.slow
@pytest.mark.parametrize("seeds", BATCHES, ids=str)
def test_served_signature(served, seeds):
    answered = 0
    for seed in seeds:
        content, _ = hostile_picture(seed)
        start = time.monotonic()
        try:
            answer = served("serving_default", image_bytes=[content])["sr_bytes"][0]
        except tf.errors.InvalidArgumentError:
            continue
        finally:
            assert time.monotonic() - start < LONGEST
        assert min(tf.io.decode_png(answer).shape[:2]) >= 4
        answered += 1
    assert 0 < answered < len(seeds)


def test_models(run_script, tmp_path, picture_folder, small_generator):
    for model in hostile_models(tmp_path / "models", small_generator):
        code, _, error = run_script(
            "upscale", picture_folder / "00.png", "--model", model, "--output", tmp_path / "out" / model.stem
        )
        assert code in (1, 2), model
        assert len(error.splitlines()) == 1, error
        assert not list(tmp_path.glob("out/*/*.png"))


def test_hostile_files_are_reproducible():
    for seed in range(40):
        np.random.seed(seed)  # the generator does not depend on global state
        assert hostile_picture(seed) == hostile_picture(seed)
