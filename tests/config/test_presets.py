import numpy as np
import pytest

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.config.schema import flatten
from srgan_tf.data.sources import open_source
from srgan_tf.errors import UserError
from srgan_tf.images.resize import imresize
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.losses.perceptual import perceptual_loss
from srgan_tf.networks.compact import compact
from srgan_tf.networks.discriminators import DISCRIMINATORS
from srgan_tf.networks.generators import GENERATORS
from srgan_tf.networks.interpolation import structural_difference
from srgan_tf.networks.saved import load_generator
from srgan_tf.networks.vgg import vgg19_features
from srgan_tf.training.state import build_network
from srgan_tf.weights import shipped

# (generator, discriminator); see test_generators.py and test_discriminators.py for how they add up.
PARAMETERS = {
    "srresnet_x4": (1_552_771, None),
    "srgan_x4": (1_552_771, 23_567_361),
    "msrgan_x4": (1_517_571, 38_247_425),
    "esrgan_x4": (16_697_987, 38_247_425),
    "esrgan_light_x4": (4_467_779, 38_247_425),
    "ldl_x4": (16_697_987, 38_247_425),
    "lsgan_x4": (1_517_571, 38_247_425),
    "wgan_x4": (1_517_571, 38_247_425),
    "wgan_gp_x4": (1_517_571, 38_243_713),
    # At HR 192 the last feature map is 12x12 instead of 8x8.
    "ranksrgan_x4": (1_517_571, 38_247_425 + (12**2 - 8**2) * 512 * 1024),
    # A U-Net of 32 filters; see test_discriminators.py.
    "msrgan_short_x4": (1_517_571, 1_095_553),
    "srdensenet_x4": (2_218_947, 23_567_361),
    "wdsr_x4": (615_088, None),  # see test_wdsr.py
    # A third upsampling stage, with its slopes: 3*3*64*256 + 256 + 64. At HR 192 the last feature map of the
    # discriminator is 12x12 instead of 6x6.
    "srresnet_x8": (1_552_771 + 147_776, None),
    "srgan_x8": (1_552_771 + 147_776, 23_567_361 + (12**2 - 6**2) * 512 * 1024),
    "realesrgan_x4": (16_697_987, 4_376_897 + 1_472),
    # Head 3*3*3*64 + 64, 16 blocks of two 3*3*64*64 + 64, tail 3*3*64*48 + 48.
    "photo_x4": (1_792 + 16 * 2 * 36_928 + 27_696, 1_095_553),
    "photo_faithful_x4": (1_792 + 16 * 2 * 36_928 + 27_696, None),
    "srresnet_lite_x4": (1_792 + 16 * 2 * 36_928 + 27_696, None),
    "srgan_lite_x4": (1_792 + 16 * 2 * 36_928 + 27_696, 1_095_553),
    "report_x4": (1_552_771, 23_567_361),
    # 16 squeezes of 64 to 4 and back: 16 * (64 * 4 + 4 + 4 * 64 + 64) more than MSRResNet.
    "channel_attention_x4": (1_517_571 + 16 * 580, 38_247_425),
    # 8 norms, projections 64 to 192 and 64 to 64, biases of 4 heads at 15 * 15 distances.
    "self_attention_x4": (1_517_571 + 8 * (128 + 65 * 192 + 65 * 64 + 4 * 15**2), 38_247_425),
    # 4 times: a norm, 1x1 convolutions (64 to 22, 21, 21; each to itself; 64 to 64 twice), depthwise 3x3, 5x5 and 3x3
    # for the first third, 5x5, 7x7, 5x5 and 7x7, 9x9, 7x7 for the others.
    "multiscale_attention_x4": (
        1_517_571
        + 4 * (128 + 65 * 64 + 23 * 22 + 2 * 22 * 21 + 2 * 65 * 64)
        + 4 * (22 * (9 + 25 + 9 + 3) + 21 * (25 + 49 + 25 + 3) + 21 * (49 + 81 + 49 + 3)),
        38_247_425,
    ),
    "compact_x4": (162_736, None),
    "continuous_x4": (171_856, None),
    # See test_idm.py.
    "idm_tiny": (171_856 + 710_444, None),
    "idm_x4": (171_856 + 5_756_364, None),
    "tiny": (89_859, 819_713),
}


def test_no_preset_is_untested():
    assert set(PARAMETERS) == set(presets.PRESETS)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name not in ("srgan_x4", "compact_x4", "tiny") else name
        for name in presets.PRESETS
    ],
)
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


def test_esrgan_is_the_papers_recipe():
    config = presets.esrgan_x4()
    assert (config.generator["num_blocks"], config.generator["growth_filters"]) == (23, 32)
    assert config.generator["residual_scale"] == 0.2
    assert config.data.hr_patch_size == 128
    assert (config.gan.adversarial, config.gan.adversarial_weight, config.gan.pixel_weight) == ("ra", 5e-3, 1e-2)
    rate = config.gan.learning_rate
    assert [milestone * config.gan.steps for milestone in rate.milestones] == [50e3, 100e3, 200e3, 300e3]
    assert rate.factor == 0.5


def test_variants_differ_from_msrgan_in_what_they_are_named_for():
    base = flatten(presets.msrgan_x4().to_dict())
    different = {
        name: {setting for setting, value in flatten(preset().to_dict()).items() if base.get(setting) != value}
        for name, preset in presets.PRESETS.items()
    }
    assert different["lsgan_x4"] == {"preset", "gan.adversarial"}
    assert different["wgan_gp_x4"] == {
        *("preset", "gan.adversarial", "gan.gradient_penalty_weight", "gan.generator_every"),
        *("precision", "discriminator.normalization"),
        *(f"gan.{name}_optimizer.beta_{n}" for name in ("generator", "discriminator") for n in (1, 2)),
    }
    assert different["wgan_x4"] == {
        *("preset", "gan.adversarial", "gan.clip_weights", "gan.generator_every"),
        *(f"gan.learning_rate.{name}" for name in ("initial", "decay", "milestones", "factor")),
        *("gan.generator_optimizer.name", "gan.discriminator_optimizer.name"),
    }
    assert different["ranksrgan_x4"] == {
        *("preset", "gan.pixel_weight", "gan.rank_weight", "gan.ranker", "data.hr_patch_size", "data.batch_size")
    }
    for attention in ("channel", "self", "multiscale"):
        assert different[f"{attention}_attention_x4"] <= {
            *("preset", "generator.attention", "generator.attention_interval")
        }


@pytest.mark.parametrize(
    ("name", "betas"),
    [
        *((name, (0.9, 0.99)) for name in ("msrgan_x4", "esrgan_x4", "ldl_x4", "ranksrgan_x4")),
        *((name, (0.9, 0.999)) for name in ("srresnet_x4", "srgan_x4")),
        ("wgan_gp_x4", (0.0, 0.9)),
    ],
)
def test_optimizers_are_those_of_the_papers(name, betas):
    gan = presets.load_preset(name).gan
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert (optimizer.name, optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == ("adam", *betas, 1e-8)


def test_wgan_has_the_papers_optimizer_and_its_own_bound():
    gan = presets.wgan_x4().gan
    assert (gan.clip_weights, gan.generator_every, gan.gradient_penalty_weight) == (0.05, 5, 0.0)
    assert (gan.learning_rate.initial, gan.learning_rate.decay) == (5e-5, "constant")
    for optimizer in (gan.generator_optimizer, gan.discriminator_optimizer):
        assert (optimizer.name, optimizer.beta_2) == ("rmsprop", 0.99)


@pytest.mark.slow
def test_published_perceptual_weights_meet_features_of_their_scale(real_data, vgg_weights):
    """ESRGAN's logs begin its GAN phase at about 0.80, with pictures somewhat better than bicubic's; so must we."""
    perceptual = presets.esrgan_x4().gan.perceptual
    features = vgg19_features(list(perceptual.layers), before_activation=True, weights=vgg_weights)
    losses = []
    for pair in open_source(str(real_data / "benchmark" / "Set5"), split="valid", scale=4):
        middle = [slice(size // 2 - 64, size // 2 + 64) for size in pair.hr.shape[:2]]
        pictures = (pair.hr, imresize(pair.lr, *pair.hr.shape[:2]))
        hr, sr = (picture[tuple(middle)][np.newaxis].astype(np.float32) / 255 for picture in pictures)
        distance, scale = perceptual.distance, perceptual.feature_scale
        loss = perceptual_loss(
            hr, sr, features, layer_weights=perceptual.layers, distance=distance, feature_scale=scale
        )
        losses.append(float(loss))
    assert 0.75 < np.mean(losses) < 1.35


@pytest.fixture(scope="module")
def set14_middles(real_data):
    """(HR, SR of compact_x4) of the middle of each picture, float32 in [0, 1], (1, 128, 128, 3)."""
    upscaler = load_upscaler("compact_x4")
    middles = []
    for pair in open_source(str(real_data / "benchmark" / "Set14"), split="valid", scale=4):
        middle = tuple(slice(size // 2 - 64, size // 2 + 64) for size in pair.hr.shape[:2])
        pictures = (pair.hr, upscaler.upscale(pair.lr))
        middles.append([picture[middle][np.newaxis].astype(np.float32) / 255 for picture in pictures])
    return middles


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [("ldl_x4", 2.5, 4.0), ("realesrgan_x4", 2.5, 4.0), ("photo_x4", 3.0, 4.5), ("srgan_lite_x4", 3.0, 4.5)],
)
def test_no_vgg_layer_dominates_on_photographs(set14_middles, vgg_weights, name, lowest, highest):
    """No layer is below 10 % or above 40 % of the sum; the sum is of the order of published logs."""
    perceptual = presets.load_preset(name).gan.perceptual
    features = vgg19_features(list(perceptual.layers), before_activation=True, weights=vgg_weights)
    rows = []
    for pictures in set14_middles:
        hr, sr = (features(picture) for picture in pictures)
        rows.append([weight * np.abs(hr[layer] - sr[layer]).mean() for layer, weight in perceptual.layers.items()])
    terms = perceptual.feature_scale * np.mean(rows, axis=0)
    shares = terms / terms.sum()
    assert shares.min() > 0.1
    assert shares.max() < 0.4
    assert lowest < terms.sum() < highest


def test_the_lite_networks_are_compact_and_load_its_files():
    """Layer names and settings are those of the builder `compact`, for files of earlier versions."""
    network = compact(num_blocks=16, num_filters=64)
    for name in ("srresnet_lite_x4", "srgan_lite_x4", "photo_x4", "photo_faithful_x4"):
        config = presets.load_preset(name)
        other = build_network("generator", GENERATORS, config.generator, scale=config.scale)
        assert structural_difference(network, other) is None
        assert [layer.name for layer in network.layers] == [layer.name for layer in other.layers]
    names = [layer.name for layer in network.layers if layer.weights]
    blocks = [f"block{block}_conv{index}" for block in range(1, 17) for index in (1, 2)]
    assert names == ["head_conv", *blocks, "tail_conv"]


def test_the_report_counts_in_epochs_of_div2k():
    config = presets.report_x4()
    epoch = 800 // config.data.batch_size
    assert (config.pretrain.steps / epoch, config.gan.steps / epoch) == (2000, 1000)
    assert config.gan.total_variation_weight > 0.1
    assert config.generator == presets.srgan_x4().generator
    assert not config.gan.perceptual.before_activation


def test_the_photo_presets_see_clean_and_degraded_patches():
    for name in ("photo_x4", "photo_faithful_x4"):
        data = presets.load_preset(name).data
        assert (data.degradation, data.clean_fraction) == ("realistic", 0.3)
    assert presets.photo_x4().pretrain == presets.photo_faithful_x4().pretrain
    assert presets.realesrgan_x4().data.clean_fraction == 0


def test_tiny_needs_no_vgg():
    assert presets.tiny().gan.perceptual_weight == 0
    assert presets.tiny().gan.steps > 0


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_at_scale_3(name):
    """The patch size becomes the nearest multiple of 48: of 3, and of 16 for the discriminator."""
    before = presets.load_preset(name).data.hr_patch_size
    config = with_settings(presets.load_preset(name), ["scale=3"])
    assert config.data.hr_patch_size == {64: 48, 96: 96, 128: 144, 192: 192, 256: 240}[before]
    chosen = with_settings(presets.load_preset(name), ["data.hr_patch_size=192", "scale=3"])
    assert chosen.data.hr_patch_size == 192


def test_unknown_preset_names_the_nearest():
    with pytest.raises(UserError, match="unknown preset 'srgan_x44'; the nearest is 'srgan_x4'"):
        presets.load_preset("srgan_x44")


@pytest.mark.parametrize("name", shipped.names())
def test_each_shipped_model_is_the_network_of_its_preset(name):
    """`--preset NAME --init-generator NAME` works, and the card's recipe is the preset's."""
    config = presets.load_preset(name)
    card = shipped.read_card(name)
    assert card["preset"] == name
    network = build_network("generator", GENERATORS, config.generator, scale=config.scale)
    assert structural_difference(load_generator(name), network) is None
    recipe, trained = (flatten(settings) for settings in (config.to_dict(), card["config"]))
    # Of the command, not of the recipe.
    run = {"seed", "precision", "init_generator", "data.train", "data.valid", "data.valid_pictures"}
    differing = {key for key in recipe if recipe[key] != trained.get(key, recipe[key])} - run
    unused = [phase for phase in ("pretrain", "gan") if recipe[f"{phase}.steps"] == trained[f"{phase}.steps"] == 0]
    ignored = ("reporting.", *(f"{phase}." for phase in unused), *(["discriminator."] if "gan" in unused else []))
    differing = {key for key in differing if not key.startswith(ignored)}
    assert (
        differing
        == {
            "compact_x4": set(),
            "continuous_x4": {"pretrain.steps"},  # a shorter run
            "idm_tiny": {"pretrain.steps", "diffusion.steps", "diffusion.learning_rate.initial"},  # a shorter run
            # Trained before the presets got their present settings; the cards have the runs' own.
            "srresnet_lite_x4": {"pretrain.steps"},
            # A shorter run.
            "photo_faithful_x4": {"data.hr_patch_size", "pretrain.steps", "pretrain.learning_rate.initial"},
            # Started from other models; the schedule changed on the way, of srgan_lite_x4 also the weight.
            "photo_x4": {"pretrain.steps", "gan.steps", "gan.learning_rate.milestones"},
            "srgan_lite_x4": {"pretrain.steps", "gan.steps", "gan.adversarial_weight", "gan.learning_rate.milestones"},
        }[name]
    )
