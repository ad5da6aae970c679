import pathlib
import re

import numpy as np
import pytest

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.images.resize import imresize
from srgan_tf.metrics import installed, table
from srgan_tf.metrics.table import METRICS, PROTOCOLS, Sample, load_metrics, score


@pytest.fixture
def sample(rng):
    hr = rng.integers(0, 256, (160, 164, 3), dtype=np.uint8)
    return Sample(lr=hr[::4, ::4], hr=hr, sr=np.clip(hr.astype(int) + 3, 0, 255).astype(np.uint8))


@pytest.fixture
def nothing_installed(monkeypatch):
    table._load.cache_clear()
    monkeypatch.setattr(installed.importlib.util, "find_spec", lambda name: None)
    yield
    table._load.cache_clear()


def test_a_protocol_removes_the_border_or_keeps_it():
    hr = np.full((32, 32, 3), 100, np.uint8)
    sr = np.full_like(hr, 101)
    sr[:4], sr[-4:], sr[:, :4], sr[:, -4:] = 100, 100, 100, 100
    names = [*PROTOCOLS["all"], "psnr_y_full"]
    scores = score(Sample(hr[::4, ::4], hr, sr), load_metrics(names), scale=4)
    assert list(scores) == names
    # One grey level of error everywhere inside; over the whole picture in 24 * 24 of 32 * 32 pixels.
    assert scores["psnr_rgb"] == pytest.approx(20 * np.log10(255))
    assert scores["psnr_rgb_full"] == pytest.approx(20 * np.log10(255) + 10 * np.log10(32**2 / 24**2))
    assert scores["psnr_y"] == pytest.approx(20 * np.log10(255 / (219 / 255)))
    assert scores["psnr_y_full"] == pytest.approx(scores["psnr_y"] + 10 * np.log10(32**2 / 24**2))


def test_every_metric_without_requirements_scores(sample):
    free = [name for name in METRICS if name not in ("niqe", "stlpips", "lpips")]
    scores = score(sample, load_metrics(free), scale=4)
    assert list(scores) == free
    assert all(np.isfinite(value) for value in scores.values())


def test_protocols_list_known_metrics_and_are_described():
    assert {name for names in PROTOCOLS.values() for name in names} <= set(METRICS)
    words = table.describe(["psnr_y", "psnr_lr"], 3)
    assert words == (
        "uint8 images, mean over images; psnr_y: on BT.601 luma 16-235, not rounded, without 3 border pixels; "
        "psnr_lr: RGB PSNR of SR, downscaled by MATLAB-like bicubic, to LR, whole"
    )


def test_directions_and_kinds():
    """The distances are perceptual, lower is better; fidelity and consistency with LR are higher for better images."""
    distances = {"niqe", "stlpips", "lpips"}
    assert {name for name, metric in METRICS.items() if not metric.higher_is_better} == distances
    assert {name for name, metric in METRICS.items() if metric.perceptual} == distances


def test_direction_and_kind_are_independent():
    """A perceptual metric like MUSIQ, where higher is better, needs no special case."""
    musiq = table.Metric("MUSIQ", load=lambda: lambda sample: 0.0, definition="Ke et al. 2021", perceptual=True)
    assert musiq.perceptual
    assert musiq.higher_is_better


@pytest.mark.parametrize("name", METRICS)
def test_the_direction_agrees_with_the_scores(name, rng):
    """A clean image must be better than the same one with noise, by the direction that the table states."""
    try:
        metric = load_metrics([name])
    except UserError:
        pytest.skip(f"{name} is not installed")
    hr = draw_picture(0, 216, 216)
    noisy = [np.clip(hr + rng.normal(0, sigma, hr.shape), 0, 255).astype(np.uint8) for sigma in (2, 40)]
    better, worse = (score(Sample(imresize(hr, 54, 54), hr, sr), metric, scale=4)[name] for sr in noisy)
    assert (better > worse) == METRICS[name].higher_is_better


def test_unknown_metrics_are_refused():
    with pytest.raises(UserError, match="no metric 'fid': there are psnr_y, ssim_y"):
        load_metrics(["psnr_y", "fid"])
    assert list(load_metrics(["psnr_y", "psnr_y"])) == ["psnr_y"]


@pytest.mark.parametrize(
    ("name", "command"),
    [("niqe", "pip install --no-deps mmagic==1.2.0"), ("stlpips", "pip install --no-deps stlpips-pytorch==0.0.2")],
)
def test_absent_parameters_are_an_error_that_says_what_to_install(nothing_installed, name, command):
    with pytest.raises(UserError, match=re.escape(f"{name} needs parameters that are not installed: {command}")):
        load_metrics(["psnr_y", name])
    pinned = command.split()[-1]
    requirements = (pathlib.Path(__file__).parents[2] / "requirements-metrics.txt").read_text()
    assert f"{pinned} " in requirements


def test_images_of_different_sizes_are_refused():
    hr, sr = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)
    with pytest.raises(ValueError, match="one shape"):
        score(Sample(hr, hr, sr), load_metrics(["psnr_rgb_full"]), scale=4)
