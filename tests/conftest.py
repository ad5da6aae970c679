"""Fixtures: small networks and pictures, real data where it lies, and the scripts run in this process."""

import importlib
import itertools
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
from PIL import Image
from support.samples import FAST, ROOT

from srgan_tf.commands import cli
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.vgg import WEIGHTS_FILE

# Pictures for development; see CONTRIBUTING.md. Tests that need them are skipped where they are not.
REAL_DATA = pathlib.Path(os.environ.get("SRGAN_TF_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture
def real_data():
    if not REAL_DATA.is_dir():
        pytest.skip(f"no pictures at {REAL_DATA} (set SRGAN_TF_DATA)")
    return REAL_DATA


@pytest.fixture
def vgg_weights():
    path = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models" / WEIGHTS_FILE
    if not path.is_file():
        pytest.skip(f"no VGG19 weights at {path}")
    return str(path)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def small_generator():
    """An untrained SRResNet x4 with all of its kinds of layers, 2 blocks of 8 filters."""
    keras.utils.set_random_seed(0)
    return srresnet(num_blocks=2, num_filters=8)


@pytest.fixture
def picture_folder(tmp_path):
    """Twelve HR pictures, 80x72."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(12):
        Image.fromarray(draw_picture(index, 72, 80)).save(folder / f"{index:02d}.png")
    return folder


@pytest.fixture
def run_script(monkeypatch, capfd):
    """Function (script, *arguments) -> (exit code, stdout, stderr), as `python SCRIPT.py ARGUMENTS` would give."""

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
    from srgan_tf.config import presets
    from srgan_tf.config.overrides import with_settings
    from srgan_tf.training.run import run

    workdir = tmp_path_factory.mktemp("runs") / "fast"
    assignments = [argument for flag, argument in itertools.pairwise(FAST) if flag == "--set"]
    run(with_settings(presets.tiny(), assignments), workdir)
    return workdir
