import numpy as np
import pytest
import tensorflow as tf

from benchmarks.plain import make_plain_gan_step, plain_networks
from srgan_tf.config.overrides import with_settings
from srgan_tf.config.presets import load_preset
from srgan_tf.training.objective import discriminator_terms, gan_terms


@pytest.mark.slow
def test_penalties_and_terms_of_the_family(rng):
    small = [
        "generator.num_blocks=1",
        "generator.num_filters=2",
        "discriminator.num_filters=2",
        "data.hr_patch_size=16",
    ]
    terms = ["gan.artifact_weight=1", "gan.lr_consistency_weight=1", "gan.perceptual_weight=0"]
    config = with_settings(load_preset("wgan_gp_x4"), [*small, *terms])
    networks = plain_networks(config)
    step = make_plain_gan_step(*networks, gan_terms(config.gan), discriminator_terms(config.gan))
    before = [[weight.numpy() for weight in network.weights] for network in networks]
    lr, hr = (tf.constant(rng.random((2, side, side, 3), np.float32)) for side in (4, 16))
    assert np.isfinite(step(lr, hr))
    for network, old in zip(networks, before, strict=True):
        assert any((weight.numpy() != value).any() for weight, value in zip(network.weights, old, strict=True))
