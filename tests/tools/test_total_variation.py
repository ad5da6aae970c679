"""The picture of total variation: one run for each weight, and the numbers printed beside it."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.config import presets
from srgan_tf.images.comparison import nearest
from srgan_tf.networks.interpolation import structural_difference
from srgan_tf.networks.saved import load_generator
from srgan_tf.training.state import gan_state
from tools import total_variation


class Nearest:
    """Repeats each pixel 4x4 times."""

    def upscale(self, picture):
        return nearest(picture, 4)


def test_relative_total_variation_worked_by_hand():
    hr = np.zeros((2, 4, 3), np.uint8)
    hr[:, ::2] = 200
    sr = hr // 2  # half the differences: a quarter of their squares
    assert total_variation.relative_total_variation(hr, sr) == pytest.approx(0.25)


def test_each_weight_is_a_run_from_the_same_start(tmp_path, monkeypatch, capsys):
    configs = {}

    def run(config, folder):
        configs[folder.name] = config

    monkeypatch.setattr(total_variation, "run", run)
    monkeypatch.setattr(total_variation, "load_upscaler", lambda name, precision: Nearest())
    picture = tmp_path / "new" / "tv.png"
    arguments = ["--data", "photos", "--valid", "set", "--output", str(tmp_path / "runs"), "--picture", str(picture)]
    monkeypatch.setattr(sys, "argv", ["total_variation", *arguments, "--steps", "7"])
    assert cli.execute(total_variation.main) == 0
    weights = {name: config.gan.total_variation_weight for name, config in configs.items()}
    assert weights == {"weight_0": 0.0, "weight_5": 5.0}
    texts = {json.dumps(config.to_dict() | {"gan": None}) for config in configs.values()}
    assert len(texts) == 1
    config = configs["weight_5"]
    report = presets.report_x4()
    assert config.gan.total_variation_weight == report.gan.total_variation_weight
    assert (config.gan.perceptual, config.gan.adversarial_weight) == (
        report.gan.perceptual,
        report.gan.adversarial_weight,
    )
    assert config.gan.steps == 7
    with Image.open(picture) as image:
        assert image.size[0] > 5 * 400  # bicubic, the start, two weights, HR
    output = capsys.readouterr().out
    assert output.count("total variation") == 3


@pytest.mark.slow
def test_the_start_is_the_network_of_the_settings():
    """`init_generator` would be refused otherwise."""
    config = total_variation.with_settings(
        presets.report_x4(), [*total_variation.SETTINGS, "discriminator.num_filters=4"]
    )
    assert not structural_difference(load_generator(total_variation.START), gan_state(config).generator_ema)
