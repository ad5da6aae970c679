import json

import pytest

from srgan_tf.config.overrides import describe, descriptions, with_settings
from srgan_tf.config.presets import load_preset
from srgan_tf.config.schema import NETWORKS, Config, flatten
from srgan_tf.config.sections import Optimizer
from srgan_tf.errors import UserError


def test_settings_survive_json():
    config = with_settings(Config(), ['data.train=["a", "b"]', "gan.learning_rate.milestones=[0.25, 0.5]"])
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.data.train == ("a", "b")


@pytest.mark.parametrize(
    ("assignment", "name", "value"),
    [
        ("gan.steps=1000", "gan.steps", 1000),
        ("gan.steps=1e3", "gan.steps", 1000),
        ("data.augment=false", "data.augment", False),
        ("precision=bfloat16", "precision", "bfloat16"),
        ("pretrain.learning_rate.initial=0.001", "pretrain.learning_rate.initial", 0.001),
        ("generator.num_blocks=8", "generator.num_blocks", 8),
        ('gan.perceptual.layers={"block2_conv2": 0.5}', "gan.perceptual.layers", {"block2_conv2": 0.5}),
        ("gan.perceptual.weights=a=b.h5", "gan.perceptual.weights", "a=b.h5"),
    ],
)
def test_assignments(assignment, name, value):
    before, after = Config(), with_settings(Config(), [assignment])
    flat = [flatten(config.to_dict()) for config in (before, after)]
    assert flat[1][name] == value
    assert {key for key in flat[0] if flat[0][key] != flat[1][key]} == {name}


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("gan.step=10", "unknown setting 'gan.step' (received 'gan.step=10'); the nearest is 'gan.steps'"),
        ("generator.num_block=3", "the nearest is 'generator.num_blocks'"),
        ("gan=3", "unknown setting 'gan'"),
        ("nothing.at.all=3", "unknown setting 'nothing.at.all'"),
        ("gan.steps", "--set takes NAME=VALUE (received 'gan.steps')"),
        ("gan.steps=-1", "gan.steps: input should be greater than or equal to 0 (received -1)"),
        ("gan.steps=many", "gan.steps: input should be a valid integer"),
        ("gan.steps=1.5", "gan.steps: input should be a valid integer"),
        ("generator.num_blocks=0", "generator.num_blocks: input should be greater than 0 (received 0)"),
        ("generator.activation=gelu", "generator.activation: input should be 'prelu' or 'leaky_relu'"),
        (
            "generator.name=vdsr",
            "rrdbnet, compact, srdensenet, wdsr, continuous, idm (received 'vdsr')",
        ),
        (
            "generator.name=[1]",
            "generator.name must be one of srresnet, rrdbnet, compact, srdensenet, wdsr, continuous, idm (received",
        ),
        ("gan.adversarial=lsgann", "gan.adversarial: input should be 'vanilla'"),
        ("scale=5", "scale: input should be 2, 3, 4 or 8 (received 5)"),
        (
            "gan.perceptual.crop_size=97",
            "gan.perceptual.crop_size must be 0, or from 16 to data.hr_patch_size 96 (received 97)",
        ),
        ("precision=half", "precision: input should be 'auto', 'float32', 'bfloat16' or 'float16' (received 'half')"),
        ("data.train=[]", "data.train: tuple should have at least 1 item"),
        ("gan.generator_optimizer.name=sgd", "gan.generator_optimizer.name: input should be 'adam' or 'rmsprop'"),
        ("pretrain.optimizer.beta_2=1", "pretrain.optimizer.beta_2: input should be less than 1 (received 1)"),
        ("pretrain.optimizer.epsilon=0", "pretrain.optimizer.epsilon: input should be greater than 0 (received 0)"),
        ("gan.epochs=-1", "gan.epochs: input should be greater than or equal to 0 (received -1)"),
        ("gan.patience=1.5", "gan.patience: input should be a valid integer"),
        ("gan.clip_weights=-1", "gan.clip_weights: input should be greater than or equal to 0 (received -1)"),
        ("gan.adversarial=wgan", "gan.adversarial=wgan needs gan.clip_weights, 0.01 in the paper (received 0)"),
        ("seed=4294967296", "seed: input should be less than 4294967296 (received 4294967296)"),
        ("gan.learning_rate.milestones=[0.75, 0.25]", "milestones of a learning rate must ascend"),
        ("ema_decay=1", "ema_decay: input should be less than 1 (received 1)"),
        ("pretrain.learning_rate.initial=NaN", "pretrain.learning_rate.initial: input should be a finite number"),
        ("gan.learning_rate.milestones=[0.5, 2]", "gan.learning_rate.milestones.1: input should be less than 1"),
        ("data.hr_patch_size=98", "data.hr_patch_size must be a multiple of the scale 4 (received 98)"),
    ],
)
def test_wrong_settings_are_one_line_that_names_them(assignment, message):
    with pytest.raises(UserError) as caught:
        with_settings(Config(), [assignment])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_that_contradict_each_other():
    with pytest.raises(UserError, match="a cosine must end at or below its start"):
        with_settings(Config(), ["pretrain.learning_rate.decay=cosine", "pretrain.learning_rate.final=1"])
    weights = [f"gan.{name}_weight=0" for name in ("pixel", "perceptual", "adversarial", "total_variation")]
    with pytest.raises(UserError, match="every weight of the gan phase is 0"):
        with_settings(Config(), weights)
    assert with_settings(Config(), [*weights, "gan.steps=0"]).gan.steps == 0
    critic = ["gan.adversarial=wgan_gp"]
    with pytest.raises(UserError, match=r"wgan_gp needs gan\.gradient_penalty_weight"):
        with_settings(Config(), critic)
    critic += ["gan.gradient_penalty_weight=10"]
    with pytest.raises(UserError, match=r"discriminator\.normalization=layer, spectral or none \(received 'batch'\)"):
        with_settings(Config(), critic)
    assert with_settings(Config(), [*critic, "discriminator.normalization=layer"]).gan.adversarial == "wgan_gp"
    clipped = ["gan.clip_weights=0.01", "gan.adversarial=wgan"]
    assert with_settings(Config(), clipped).gan.adversarial == "wgan"
    with pytest.raises(UserError, match=r"gan\.rank_weight=0\.5 needs a ranker: gan\.ranker=FILE"):
        with_settings(Config(), ["gan.rank_weight=0.5"])


def test_r1_is_a_penalty_of_each_image_too():
    with pytest.raises(UserError, match=r"gan\.r1_weight penalizes the gradient of each image separately"):
        with_settings(Config(), ["gan.r1_weight=1"])
    for choice in ("discriminator.normalization=spectral", "discriminator.name=unet", "gan.steps=0"):
        assert with_settings(Config(), [choice, "gan.r1_weight=1"]).gan.r1_weight == 1


def test_a_phase_that_is_skipped_has_no_epochs():
    with pytest.raises(UserError, match=r"gan\.epochs=2: gan\.steps=0 skips the phase"):
        with_settings(Config(), ["gan.steps=0", "gan.epochs=2"])
    assert with_settings(Config(), ["gan.epochs=2"]).gan.epochs == 2


def test_ssim_needs_patches_of_its_window():
    with pytest.raises(UserError, match=r"ssim_weight needs data\.hr_patch_size of at least 11 \(received 8\)"):
        with_settings(Config(), ["pretrain.ssim_weight=0.1", "data.hr_patch_size=8"])
    assert with_settings(Config(), ["gan.ssim_weight=0.1", "data.hr_patch_size=12"]).gan.ssim_weight == 0.1
    with pytest.raises(UserError, match=r"gan\.dists_weight needs data\.hr_patch_size of at least 16 \(received 12\)"):
        with_settings(Config(), ["gan.dists_weight=0.1", "data.hr_patch_size=12"])


def test_network_options_are_complete():
    assert Config().generator["num_blocks"] == 16
    assert "scale" not in Config().generator  # another setting's
    with pytest.raises(UserError, match=r"unknown setting 'generator\.depth'"):
        Config.from_dict({"generator": {"name": "srresnet", "depth": 3}})


def test_a_new_network_brings_its_own_options():
    config = with_settings(Config(), ["generator.num_blocks=8", "generator.name=srresnet"])
    assert config == Config()
    config = with_settings(Config(), ["discriminator.name=unet", "discriminator.num_filters=8"])
    assert config.discriminator == {"name": "unet", "num_filters": 8, "spectral_normalization": True}
    with pytest.raises(UserError, match=r"unknown setting 'discriminator\.normalization'"):
        with_settings(Config(), ["discriminator.name=unet", "discriminator.normalization=none"])


def test_settings_are_frozen():
    with pytest.raises(AttributeError):
        Config().gan.steps = 3


def test_every_setting_is_described():
    lines = describe(Config())
    names = [line.split(" = ")[0] for line in lines]
    assert "gan.perceptual.layers" in names
    for line in lines:
        assert len(line.split("  ", 1)[1]) > 5, line
    assert "generator.num_blocks = 16  number of residual blocks" in lines


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_every_option_of_every_network_is_described(network):
    for name in NETWORKS[network][0]:
        for setting, meaning in descriptions(with_settings(Config(), [f"{network}.name={name}"])).items():
            assert meaning, setting


def test_an_old_config_file_loads_under_the_new_names():
    old = Config().to_dict()
    del old["gan"]["generator_every"]
    old["gan"]["discriminator_steps"] = 5
    assert Config.from_dict(old) == with_settings(Config(), ["gan.generator_every=5"])
    assert old["gan"]["discriminator_steps"] == 5  # the argument is not changed


def _config_of_0_1(config):
    settings = config.to_dict()
    del settings["pretrain"]["optimizer"], settings["data"]["sampling"]
    del settings["gan"]["generator_optimizer"], settings["gan"]["discriminator_optimizer"]
    for name in ("batch_norm_momentum", "batch_norm_epsilon"):
        settings["generator"].pop(name, None)
    return settings


def _changed(before, after):
    before, after = flatten(before.to_dict()), flatten(after.to_dict())
    return {name for name in before if before[name] != after[name]}


_CHANGED_SINCE_0_1 = {
    *("pretrain.optimizer.epsilon", "gan.generator_optimizer.epsilon", "gan.discriminator_optimizer.epsilon"),
    "data.sampling",
}


def test_a_config_file_of_0_1_keeps_what_the_run_was_trained_with():
    now = with_settings(Config(), ["gan.steps=3", "generator.normalization=batch"])
    loaded = Config.from_dict(_config_of_0_1(now))
    for optimizer in (loaded.pretrain.optimizer, loaded.gan.generator_optimizer, loaded.gan.discriminator_optimizer):
        assert optimizer == Optimizer(name="adam", beta_1=0.9, beta_2=0.999, epsilon=1e-7)
    assert (loaded.generator["batch_norm_momentum"], loaded.generator["batch_norm_epsilon"]) == (0.99, 1e-3)
    assert loaded.data.sampling == "picture"
    assert Config.from_dict(loaded.to_dict()) == loaded
    batch_norm = {"generator.batch_norm_momentum", "generator.batch_norm_epsilon"}
    assert _changed(loaded, now) == _CHANGED_SINCE_0_1 | batch_norm


def test_a_network_without_batch_norm_gets_no_settings_of_one_from_0_1():
    for assignment in ("generator.normalization=none", "generator.name=compact"):
        now = with_settings(Config(), [assignment])
        assert _changed(Config.from_dict(_config_of_0_1(now)), now) == _CHANGED_SINCE_0_1


@pytest.mark.parametrize("settings", [{}, {"data": {}}, {"generator": {"name": "srresnet", "normalization": "batch"}}])
def test_missing_groups_have_todays_defaults(settings):
    assert Config.from_dict(settings) == Config()


def test_an_optimizer_has_a_name_without_being_a_network():
    config = with_settings(Config(), ["gan.discriminator_optimizer.name=rmsprop", "pretrain.optimizer.beta_2=0.99"])
    assert config.gan.discriminator_optimizer == Optimizer(name="rmsprop")
    assert config.gan.generator_optimizer == Optimizer()
    assert config.pretrain.optimizer == Optimizer(beta_2=0.99)


def test_an_old_name_on_the_command_line_is_refused_with_the_new_one():
    with pytest.raises(UserError, match=r"'gan\.discriminator_steps' is now called 'gan\.generator_every'"):
        with_settings(Config(), ["gan.discriminator_steps=5"])


def test_colours_of_areas_need_patches_of_their_size():
    with pytest.raises(UserError, match="hr_patch_size of at least 16"):
        with_settings(load_preset("tiny"), ["gan.colour_weight=1", "data.hr_patch_size=8", "discriminator.name=unet"])


def test_lr_consistency_needs_the_lr_that_it_means():
    with pytest.raises(UserError, match=r"needs data\.degradation=bicubic \(received 'realistic'\)"):
        with_settings(Config(), ["gan.lr_consistency_weight=0.1", "data.degradation=realistic"])


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["generator.name=compact"], "data.min_scale=1 needs generator.name=continuous or idm (received 'compact')"),
        (["scale=2", "data.min_scale=3"], "data.min_scale=3 must be at most the scale 2"),
        (["data.min_scale=0.5"], "data.min_scale must be 0, or 1 or more (received 0.5)"),
        (["data.degradation=realistic"], "data.min_scale=1 needs data.degradation=bicubic (received 'realistic')"),
        (["scale=3", "data.hr_patch_size=99"], "data.min_scale=1 needs an even data.hr_patch_size (received 99)"),
        (["gan.steps=5"], "data.min_scale=1 needs gan.steps=0 and pretrain.ssim_weight=0"),
        (["pretrain.ssim_weight=1"], "data.min_scale=1 needs gan.steps=0 and pretrain.ssim_weight=0"),
        (
            ["gan.perceptual.crop_size=97"],
            "gan.perceptual.crop_size must be 0, or from 16 to half of data.hr_patch_size 192 (received 97)",
        ),
    ],
)
def test_training_at_random_factors(assignments, message):
    with pytest.raises(UserError) as caught:
        with_settings(load_preset("continuous_x4"), assignments)
    assert str(caught.value) == message
    assert with_settings(load_preset("continuous_x4"), ["data.min_scale=0", "gan.steps=5"]).gan.steps == 5
