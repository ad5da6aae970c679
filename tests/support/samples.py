"""Small networks, a fast recipe and a simple upscaler that several tests share."""

import functools
import pathlib

import numpy as np
import pytest

from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.networks.generators import compact, continuous, rrdbnet, srdensenet, srresnet, wdsr

ROOT = pathlib.Path(__file__).parent.parent.parent


def assert_same_picture(actual, expected, err_msg=""):
    """Two uint8 pictures are equal, except where two compilations of one network round differently: by 1, rarely."""
    difference = np.abs(np.asarray(actual, int) - np.asarray(expected, int))
    assert difference.max() <= 1, err_msg
    assert np.mean(difference > 0) < 1e-3, err_msg


class Shifted:
    """Bicubic upscaling x4, then `by` grey levels brighter."""

    scale, halo, bytes_per_pixel = 4, 2, 2048

    def __init__(self, name, by):
        self.name = name
        self._by = by

    def upscale(self, lr):
        return np.clip(BicubicUpscaler(4).upscale(lr).astype(int) + self._by, 0, 255).astype(np.uint8)


_PLAIN = {"normalization": "none", "output_activation": "linear", "bilinear_skip": True, "activation": "leaky_relu"}
_MSRRESNET = functools.partial(
    srresnet, num_blocks=2, num_filters=8, head_kernel_size=3, tail_kernel_size=3, init_gain=0.5, **_PLAIN
)
# The smallest generator of each family of presets that has every kind of layer of the family.
SHRUNK = {
    "srresnet": functools.partial(srresnet, num_blocks=1, num_filters=8),
    "msrresnet": functools.partial(_MSRRESNET, num_blocks=1),
    "rrdbnet": functools.partial(rrdbnet, num_blocks=1, num_filters=8, growth_filters=4),
    "srdensenet": functools.partial(srdensenet, num_blocks=2, num_layers=2, growth_filters=4, num_filters=16),
    "wdsr": functools.partial(wdsr, num_blocks=1, num_filters=8),
    "compact": functools.partial(compact, num_blocks=1, num_filters=8),
    "continuous": functools.partial(continuous, num_blocks=1, num_filters=8, basis=3, hidden=4),
    "channel_attention": functools.partial(_MSRRESNET, num_blocks=1, attention="channel"),
    "self_attention": functools.partial(_MSRRESNET, num_filters=32, attention="self"),
    "multiscale_attention": functools.partial(_MSRRESNET, num_blocks=1, attention="multiscale"),
}


def families(by_default):
    """The names in SHRUNK as parameters of a test; those that are not in `by_default` are slow."""
    return [name if name in by_default else pytest.param(name, marks=pytest.mark.slow) for name in SHRUNK]


def repetitions(count):
    """Numbers from 0 as parameters of a test that is repeated; the first is slow, all others are soak tests."""
    soak = [pytest.param(number, marks=pytest.mark.soak) for number in range(1, count)]
    return [pytest.param(0, marks=pytest.mark.slow), *soak]


# Arguments of train.py: both phases in a few seconds.
FAST = [
    *("--preset", "tiny", "--data", "synthetic"),
    *("--set", "generator.num_blocks=1", "--set", "generator.num_filters=8", "--set", "discriminator.num_filters=4"),
    *("--set", "data.synthetic_count=6", "--set", "data.synthetic_size=64", "--set", "data.hr_patch_size=32"),
    *("--set", "data.batch_size=2", "--set", "pretrain.steps=12", "--set", "gan.steps=8"),
    *("--set", "reporting.log_every=2", "--set", "reporting.validate_every=6", "--set", "reporting.checkpoint_every=4"),
]
