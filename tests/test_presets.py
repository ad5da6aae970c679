import pytest

from srgan_tf import presets
from srgan_tf.errors import UserError
from srgan_tf.models.discriminators import DISCRIMINATORS
from srgan_tf.models.generators import GENERATORS
from srgan_tf.training.state import build_network

# (generator, discriminator); see test_generators.py and test_discriminators.py for how they add up.
PARAMETERS = {
    "srresnet_x4": (1_552_771, None),
    "srgan_x4": (1_552_771, 23_567_361),
    "msrgan_x4": (1_517_571, 38_247_425),
    "compact_x4": (162_736, 5_894_657),
    "tiny": (89_859, 819_713),
}


def test_no_preset_is_untested():
    assert set(PARAMETERS) == set(presets.PRESETS)


@pytest.mark.parametrize("name", presets.PRESETS)
def test_parameter_counts(name):
    config = presets.load_preset(name)
    generator = build_network("generator", GENERATORS, config.generator, scale=config.scale)
    assert generator.count_params() == PARAMETERS[name][0]
    assert bool(config.gan.steps) == (PARAMETERS[name][1] is not None)
    if config.gan.steps:
        discriminator = build_network(
            "discriminator", DISCRIMINATORS, config.discriminator, hr_patch_size=config.data.hr_patch_size
        )
        assert discriminator.count_params() == PARAMETERS[name][1]


@pytest.mark.parametrize("name", presets.PRESETS)
def test_names_and_words(name):
    assert presets.load_preset(name).preset == name
    text = presets.PRESETS[name].__doc__
    assert any(source in text for source in ("et al.", "BasicSR"))


def test_srgan_is_the_papers_recipe():
    config = presets.srgan_x4()
    assert config.generator["normalization"] == "batch"
    assert (config.pretrain.steps, config.pretrain.loss, config.pretrain.learning_rate.initial) == (10**6, "mse", 1e-4)
    assert config.pretrain.learning_rate.decay == "constant"
    assert config.gan.steps == 200_000
    assert config.gan.learning_rate.milestones == (0.5,)
    assert config.gan.learning_rate.factor == 0.1
    assert config.gan.perceptual.layers == {"block5_conv4": 1.0}
    assert config.gan.perceptual.feature_scale == pytest.approx(1 / 12.75)
    assert not config.gan.perceptual.before_activation
    assert (config.gan.adversarial, config.gan.adversarial_weight) == ("vanilla", 1e-3)
    assert (config.gan.pixel_weight, config.gan.total_variation_weight) == (0.0, 2e-8)


def test_tiny_needs_no_vgg():
    assert presets.tiny().gan.perceptual_weight == 0
    assert presets.tiny().gan.steps > 0


def test_unknown_preset_names_the_nearest():
    with pytest.raises(UserError, match="unknown preset 'srgan_4x'; the nearest is 'srgan_x4'"):
        presets.load_preset("srgan_4x")
