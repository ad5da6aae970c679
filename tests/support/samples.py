"""Small networks, a fast recipe and a stand-in upscaler that several tests share."""

import functools
import pathlib

import numpy as np

from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.networks.generators import compact, rrdbnet, srresnet

ROOT = pathlib.Path(__file__).parent.parent.parent


def assert_same_picture(actual, expected, err_msg=""):
    """uint8 pictures that two compilations of one network gave: equal but for rare roundings of a float's last bit."""
    difference = np.abs(np.asarray(actual, int) - np.asarray(expected, int))
    assert difference.max() <= 1, err_msg
    assert np.mean(difference > 0) < 1e-3, err_msg


class Shifted:
    """An upscaler: bicubic, brighter by some grey levels."""

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

# A run of both phases that takes seconds.
FAST = [
    *("--preset", "tiny", "--data", "synthetic"),
    *("--set", "generator.num_blocks=1", "--set", "generator.num_filters=8", "--set", "discriminator.num_filters=4"),
    *("--set", "data.synthetic_count=6", "--set", "data.synthetic_size=64", "--set", "data.hr_patch_size=32"),
    *("--set", "data.batch_size=2", "--set", "pretrain.steps=12", "--set", "gan.steps=8"),
    *("--set", "reporting.log_every=2", "--set", "reporting.validate_every=6", "--set", "reporting.checkpoint_every=4"),
]
