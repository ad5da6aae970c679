"""Fixtures: small networks and pictures, real data if available, and the commands run in this process.

TensorFlow is imported inside the fixtures: under pytest-xdist the main process runs no test and does not need it.
"""

import importlib
import itertools
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_XLA_FLAGS", "")  # `train` keeps no compiled steps in the user's cache folder
if "PYTEST_XDIST_WORKER" in os.environ:  # the workers share the cores
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import numpy as np
import pytest
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.data.synthetic import draw_picture


@pytest.fixture(scope="session")
def real_data():
    """The folder of photographs that $SRGAN_TF_DATA names; see CONTRIBUTING.md."""
    folder = os.environ.get("SRGAN_TF_DATA", "")
    if not os.path.isdir(folder):
        pytest.skip(f"no folder of photographs at SRGAN_TF_DATA={folder!r}")
    return pathlib.Path(folder)


@pytest.fixture
def vgg_weights():
    """Path of VGG19's ImageNet weights."""
    from srgan_tf.networks.vgg import WEIGHTS_FILE

    path = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models" / WEIGHTS_FILE
    if not path.is_file():
        pytest.skip(f"no VGG19 weights at {path}")
    return str(path)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium, if it is installed."""
    from support.browser import open_browser

    driver = open_browser()
    yield driver
    driver.quit()


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def eager_steps():
    """Runs every `tf.function` eagerly: tracing a training step takes as long as ten to twenty eager steps."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def small_generator():
    """An untrained SRResNet x4 with every kind of layer, 2 blocks of 8 filters."""
    import keras

    from srgan_tf.networks.generators import srresnet

    keras.utils.set_random_seed(0)
    return srresnet(num_blocks=2, num_filters=8)


@pytest.fixture
def picture_folder(tmp_path):
    """A folder of twelve HR pictures, 80x72."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(12):
        Image.fromarray(draw_picture(index, 72, 80)).save(folder / f"{index:02d}.png")
    return folder


@pytest.fixture
def run_script(monkeypatch, capfd):
    """Function (script, *arguments) -> (exit code, stdout, stderr), like `python SCRIPT.py ARGUMENTS`."""

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{script}.py", *map(str, arguments)])
        capfd.readouterr()
        try:
            code = cli.execute(importlib.import_module(f"srgan_tf.commands.{script}").main)
        except SystemExit as exit_:
            code = exit_.code
        return code, *capfd.readouterr()

    return run


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """The run folder of a short training of both phases."""
    from support.samples import FAST

    from srgan_tf.config import presets
    from srgan_tf.config.overrides import with_settings
    from srgan_tf.training.run import run

    workdir = tmp_path_factory.mktemp("runs") / "fast"
    assignments = [argument for flag, argument in itertools.pairwise(FAST) if flag == "--set"]
    run(with_settings(presets.tiny(), assignments), workdir)
    return workdir
