"""Fixtures: small networks and pictures, real data where it lies, and the scripts run in this process."""

import functools
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

from srgan_tf import cli
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.inference import BicubicUpscaler
from srgan_tf.models.generators import compact, rrdbnet, srresnet
from srgan_tf.models.vgg import WEIGHTS_FILE

ROOT = pathlib.Path(__file__).parent.parent
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


def assert_same_picture(actual, expected, err_msg=""):
    """uint8 pictures that two compilations of one network gave: equal but for rare roundings of a float's last bit."""
    difference = np.abs(np.asarray(actual, int) - np.asarray(expected, int))
    assert difference.max() <= 1, err_msg
    assert np.mean(difference > 0) < 1e-3, err_msg


class Shifted:
    """An upscaler: bicubic, brighter by some grey levels."""

    scale = 4

    def __init__(self, name, by):
        self.name = name
        self._by = by

    def upscale(self, lr):
        return np.clip(BicubicUpscaler(4).upscale(lr).astype(int) + self._by, 0, 255).astype(np.uint8)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def small_generator():
    """An untrained SRResNet x4 with all of its kinds of layers, 2 blocks of 8 filters."""
    keras.utils.set_random_seed(0)
    return srresnet(num_blocks=2, num_filters=8)


_PLAIN = {"normalization": "none", "output_activation": "linear", "bilinear_skip": True, "activation": "leaky_relu"}
_MSRRESNET = functools.partial(
    srresnet, num_blocks=2, num_filters=8, head_kernel_size=3, tail_kernel_size=3, init_gain=0.5, **_PLAIN
)
# Generators of every family of presets, as small as they can be with all of their kinds of layers.
SHRUNK = {
    "srresnet": functools.partial(srresnet, num_blocks=1, num_filters=8),
    "msrresnet": functools.partial(_MSRRESNET, num_blocks=1),
    "rrdbnet": functools.partial(rrdbnet, num_blocks=1, num_filters=8, growth_filters=4),
    "compact": functools.partial(compact, num_blocks=1, num_filters=8),
    "channel_attention": functools.partial(_MSRRESNET, num_blocks=1, attention="channel"),
    "self_attention": functools.partial(_MSRRESNET, num_filters=32, attention="self"),
    "multiscale_attention": functools.partial(_MSRRESNET, num_blocks=1, attention="multiscale"),
}


@pytest.fixture
def picture_folder(tmp_path):
    """Twelve HR pictures, 80x72."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(12):
        Image.fromarray(draw_picture(index, 72, 80)).save(folder / f"{index:02d}.png")
    return folder


# A run of both phases that takes seconds.
FAST = [
    *("--preset", "tiny", "--data", "synthetic"),
    *("--set", "generator.num_blocks=1", "--set", "generator.num_filters=8", "--set", "discriminator.num_filters=4"),
    *("--set", "data.synthetic_count=6", "--set", "data.synthetic_size=64", "--set", "data.hr_patch_size=32"),
    *("--set", "data.batch_size=2", "--set", "pretrain.steps=12", "--set", "gan.steps=8"),
    *("--set", "reporting.log_every=2", "--set", "reporting.validate_every=6", "--set", "reporting.checkpoint_every=4"),
]


@pytest.fixture
def run_script(monkeypatch, capfd):
    """Function (script, *arguments) -> (exit code, stdout, stderr), as `python SCRIPT.py ARGUMENTS` would give."""

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [f"{script}.py", *map(str, arguments)])
        capfd.readouterr()
        try:
            code = cli.execute(importlib.import_module(script).main)
        except SystemExit as exit_:
            code = exit_.code
        return code, *capfd.readouterr()

    return run


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """The run folder of a short training of both phases."""
    from srgan_tf import presets
    from srgan_tf.settings import with_settings
    from srgan_tf.training.run import run

    workdir = tmp_path_factory.mktemp("runs") / "fast"
    assignments = [argument for flag, argument in itertools.pairwise(FAST) if flag == "--set"]
    run(with_settings(presets.tiny(), assignments), workdir)
    return workdir
