import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.losses.pixel import mse
from srgan_tf.training.objective import Term, discriminator_terms, gan_terms, pretrain_terms
from srgan_tf.training.optimizers import ClippedAdam, LossScale
from srgan_tf.training.state import gan_state, pretrain_state
from srgan_tf.training.steps import make_gan_step, make_pretrain_step

PRECISIONS = ["float32", *(pytest.param(name, marks=pytest.mark.slow) for name in ("bfloat16", "float16"))]
SMALL = [
    "precision=float32",
    *("generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4"),
    *("data.hr_patch_size=32", "data.batch_size=3"),
]


def small_config(*assignments, preset=presets.srgan_x4):
    keras.utils.set_random_seed(0)
    return with_settings(preset(), [*SMALL, *assignments])


@functools.cache
def _traced(precision):
    config = small_config(f"precision={precision}", "gan.perceptual_weight=0", "gan.pixel_weight=1")
    state = gan_state(config)
    step = make_gan_step(state, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9)
    return state, step, [(variable, variable.numpy().copy()) for variable in all_variables(state)]


def all_variables(state):
    """Every variable of a GAN phase's state."""
    modules = [state.g_loss_scale, state.d_loss_scale]
    return [
        *state.weights(),
        *state.g_optimizer.variables,
        *state.d_optimizer.variables,
        *(variable for module in modules for variable in module.variables),
        *(state.step, state.skipped, state.skipped_in_a_row, state.rollbacks),
    ]


def pixel_gan(precision="float32"):
    """(state, step) of a GAN with pixel loss. The step is traced once for each precision and its state starts anew."""
    state, step, initial = _traced(precision)
    for variable, value in initial:
        variable.assign(value)
    return state, step


@pytest.fixture
def batch(rng):
    hr = tf.constant(rng.random((3, 32, 32, 3), np.float32))
    return tf.image.resize(hr, (8, 8), "area"), hr


def weights(network):
    return [weight.numpy().copy() for weight in network.trainable_variables]


def changed(before, network):
    return [bool((old != new.numpy()).any()) for old, new in zip(before, network.trainable_variables, strict=True)]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_pretrain_step_changes_every_weight_and_lowers_the_loss(batch, precision):
    config = small_config(f"precision={precision}", "pretrain.learning_rate.initial=1e-3")
    state = pretrain_state(config)
    step = make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.9)
    before = weights(state.generator)
    losses = [float(step(*batch).scalars["loss/generator/total"]) for _ in range(30)]
    assert all(changed(before, state.generator))
    lr, hr = batch  # HR is noise: no network predicts more of it than the mean of each 4x4 block, which LR holds
    unpredictable = float(np.mean((hr - np.repeat(np.repeat(lr, 4, 1), 4, 2)) ** 2))
    assert losses[-1] - unpredictable < 0.1 * (losses[0] - unpredictable)
    assert int(state.step) == 30


@pytest.mark.parametrize("precision", PRECISIONS)
def test_gan_step_changes_every_weight_of_both(batch, precision):
    state, step = pixel_gan(precision)
    g_before, d_before = weights(state.generator), weights(state.discriminator)
    for _ in range(3):
        scalars = step(*batch).scalars
    assert all(changed(g_before, state.generator))
    assert all(changed(d_before, state.discriminator))
    assert all(np.isfinite(float(value)) for value in scalars.values())
    assert scalars.keys() == {
        "loss/generator/total",
        "loss/generator/pixel",
        "loss/generator/adversarial",
        "loss/generator/total_variation",
        "loss/discriminator/total",
        "loss/discriminator/adversarial",
        "logits/real",
        "logits/fake",
        "accuracy/real",
        "accuracy/fake",
        "gradient_norm/generator",
        "gradient_norm/discriminator",
        "sr/saturated",
        "guard/skipped",
    }


@pytest.mark.usefixtures("eager_steps")
@pytest.mark.parametrize("term", ["perceptual", "adversarial", "pixel", "total_variation"])
def test_each_term_alone_reaches_the_generator(batch, term):
    weights_of = {f"gan.{name}_weight": 0 for name in ("perceptual", "adversarial", "pixel", "total_variation")}
    weights_of[f"gan.{term}_weight"] = 1
    config = small_config(*(f"{name}={value}" for name, value in weights_of.items()))

    def features(image):  # a stand-in for VGG19, which test_vgg.py tests
        return {"block5_conv4": tf.nn.avg_pool2d(image, 4, 4, "VALID") ** 2}

    state = gan_state(config)
    step = make_gan_step(state, gan_terms(config.gan, features), discriminator_terms(config.gan), ema_decay=0.9)
    before = weights(state.generator)
    assert f"loss/generator/{term}" in step(*batch).scalars
    assert any(changed(before, state.generator))


@pytest.mark.slow
def test_the_discriminator_learns_to_separate_real_and_fake(batch):
    config = small_config("gan.perceptual_weight=0", "gan.adversarial_weight=1e-9", "gan.learning_rate.initial=1e-3")
    state = gan_state(config)
    step = make_gan_step(state, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9)
    first = step(*batch).scalars
    for _ in range(40):
        last = step(*batch).scalars
    assert float(last["loss/discriminator/total"]) < 0.5 * float(first["loss/discriminator/total"])
    assert float(last["logits/real"]) > float(last["logits/fake"])


@pytest.mark.usefixtures("eager_steps")
def test_the_joint_step_has_the_gradients_of_separate_tapes(batch):
    """The joint step equals two steps with separate tapes and separate forward passes."""
    config = small_config("gan.perceptual_weight=0", "gan.pixel_weight=1", "gan.total_variation_weight=0")
    lr, hr = batch
    state, reference = gan_state(config), gan_state(config)
    reference.start_from(state.generator)
    reference.discriminator.set_weights(state.discriminator.get_weights())
    make_gan_step(state, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9)(lr, hr)

    g, d = reference.generator, reference.discriminator
    with tf.GradientTape() as tape:
        sr = g(lr, training=True)
        total = mse(hr, sr) + 1e-3 * tf.reduce_mean(tf.nn.softplus(-d(sr, training=True)))
    g_gradients = tape.gradient(total, g.trainable_variables)
    with tf.GradientTape() as tape:
        real, fake = d(hr, training=True), d(tf.stop_gradient(sr), training=True)
        d_total = tf.reduce_mean(tf.nn.softplus(-real)) + tf.reduce_mean(tf.nn.softplus(fake))
    d_gradients = tape.gradient(d_total, d.trainable_variables)
    reference.g_optimizer.apply(g_gradients, g.trainable_variables)
    reference.d_optimizer.apply(d_gradients, d.trainable_variables)
    for network, expected in ((state.generator, g), (state.discriminator, d)):
        for weight, wanted in zip(network.trainable_variables, expected.trainable_variables, strict=True):
            np.testing.assert_allclose(weight.numpy(), wanted.numpy(), atol=2e-5, err_msg=weight.path)


@pytest.mark.usefixtures("eager_steps")
def test_ema_worked_by_hand(batch):
    config = small_config()
    state = pretrain_state(config)
    step = make_pretrain_step(state, {"pixel": Term(1.0, lambda outputs: mse(outputs.hr, outputs.sr))}, ema_decay=0.25)
    for network in (state.generator, state.generator_ema):
        network.get_layer("tail_conv").bias.assign([1.0, 1.0, 1.0])
    step(*batch)
    after_one = state.generator.get_layer("tail_conv").bias.numpy()
    # min(0.25, 1/10), min(0.25, 2/11), min(0.25, 3/12), 0.25, ...
    expected = 0.1 * 1.0 + 0.9 * after_one
    np.testing.assert_allclose(state.generator_ema.get_layer("tail_conv").bias.numpy(), expected, rtol=1e-6)
    for decay in (2 / 11, 0.25, 0.25):
        step(*batch)
        expected = decay * expected + (1 - decay) * state.generator.get_layer("tail_conv").bias.numpy()
    np.testing.assert_allclose(state.generator_ema.get_layer("tail_conv").bias.numpy(), expected, rtol=1e-5)


@pytest.mark.usefixtures("eager_steps")
def test_ema_includes_batch_norm_statistics(batch):
    config = small_config()
    state = pretrain_state(config)
    step = make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.9)
    for _ in range(3):
        step(*batch)
    moving = state.generator_ema.get_layer("block1_norm1").moving_mean.numpy()
    assert np.abs(moving).max() > 0


@pytest.mark.usefixtures("eager_steps")
def test_frozen_batch_norms_train_the_generator_as_it_is_used_at_inference(batch, rng):
    config = small_config("freeze_batch_norm=true")
    state = pretrain_state(config)
    norms = [layer for layer in state.generator.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in norm.get_weights()])
    state.generator_ema.set_weights(state.generator.get_weights())
    sr = state.generator(batch[0], training=True)
    np.testing.assert_allclose(sr, state.generator_ema(batch[0], training=False), atol=1e-5)
    frozen, others = [norm.get_weights() for norm in norms], weights(state.generator)
    make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.9)(*batch)
    for norm, before in zip(norms, frozen, strict=True):
        assert all((now == then).all() for now, then in zip(norm.get_weights(), before, strict=True))
    assert norms
    assert all(changed(others, state.generator))


@pytest.mark.slow
def test_float16_gradients_reach_adam_unscaled(batch):
    moments = {}
    for precision in ("float32", "float16"):
        state, step = pixel_gan(precision)
        step(*batch)
        moments[precision] = [
            np.sqrt(sum(np.square(moment.numpy(), dtype=np.float64).sum() for moment in adam._momentums))
            for adam in (state.g_optimizer, state.d_optimizer)
        ]
    # The loss scale is 2^15: without the multiplication or the division, the result would differ.
    np.testing.assert_allclose(moments["float16"], moments["float32"], rtol=0.2)


def variables(state):
    """Every number of a state, by path."""
    return [weight.numpy().copy() for weight in [*state.weights(), *state.g_optimizer.variables]]


@pytest.mark.usefixtures("eager_steps")
def test_float16_skips_a_step_that_overflows(batch):
    config = small_config("precision=float16")
    state = pretrain_state(config)
    step = make_pretrain_step(state, pretrain_terms(config.pretrain), ema_decay=0.9)
    before = weights(state.generator)
    lr, hr = batch
    step(lr, hr * 1e30)  # the scaled gradients overflow
    assert not any(changed(before, state.generator))
    assert float(state.g_loss_scale.value) == 2.0**14
    for _ in range(3):
        step(lr, hr)
    assert any(changed(before, state.generator))


@pytest.mark.slow
def test_loss_scale_doubles_after_2000_good_steps_and_halves_at_once():
    scale = LossScale(dynamic=True)
    for _ in range(1999):
        scale.update(tf.constant(True))
    assert float(scale.value) == 2.0**15
    scale.update(tf.constant(True))
    assert float(scale.value) == 2.0**16
    scale.update(tf.constant(False))
    assert float(scale.value) == 2.0**15
    fixed = LossScale(dynamic=False)
    fixed.update(tf.constant(False))
    assert float(fixed.value) == 1.0


@pytest.mark.parametrize("precision", ["float32", pytest.param("float16", marks=pytest.mark.slow)])
def test_a_step_that_is_not_finite_changes_nothing(batch, precision):
    """Weights, both averages, batch norm's statistics and the optimizers' moments stay; the next step trains again."""
    state, step = pixel_gan(precision)
    lr, hr = batch
    step(lr, hr)
    before = variables(state)
    damaged = lr.numpy()
    damaged[1, 2, 3, 0] = np.nan
    for count in (1, 2):
        report = step(tf.constant(damaged), hr)
        assert float(report.scalars["guard/skipped"]) == 1.0
        assert (int(state.skipped), int(state.skipped_in_a_row)) == (count, count)
    for old, new in zip(before, variables(state), strict=True):
        np.testing.assert_array_equal(old, new)
    assert float(step(lr, hr).scalars["guard/skipped"]) == 0.0
    assert (int(state.step), int(state.skipped), int(state.skipped_in_a_row)) == (4, 2, 0)
    assert any((old != new).any() for old, new in zip(before, variables(state), strict=True))


@pytest.mark.usefixtures("eager_steps")
def test_micro_batches_give_the_gradients_of_the_whole_batch(rng):
    """Without batch norm, which normalizes each part separately."""
    hr = tf.constant(rng.random((6, 32, 32, 3), np.float32))
    lr = tf.image.resize(hr, (8, 8), "area")
    states = []
    for pieces in (1, 3):
        config = small_config("generator.normalization=none")
        states.append(pretrain_state(config))
        step = make_pretrain_step(states[-1], pretrain_terms(config.pretrain), ema_decay=0.9, micro_batches=pieces)
        report = step(lr, hr)
        assert float(report.scalars["loss/generator/total"]) == pytest.approx(
            float(mse(hr, pretrain_state(small_config("generator.normalization=none")).generator(lr))), rel=1e-5
        )
    for whole, pieces in zip(*(state.g_optimizer.variables for state in states), strict=True):
        np.testing.assert_allclose(whole.numpy(), pieces.numpy(), rtol=1e-4, atol=1e-8)


@pytest.mark.slow
def test_xla_gives_the_same_step(batch):
    plain, step = pixel_gan()
    config = small_config("gan.perceptual_weight=0", "gan.pixel_weight=1")
    compiled = gan_state(config)
    compiled_step = make_gan_step(
        compiled, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9, jit=True
    )
    for variable, other in zip(compiled.weights(), plain.weights(), strict=True):
        variable.assign(other)
    expected, actual = step(*batch).scalars, compiled_step(*batch).scalars
    for tag, value in expected.items():
        assert float(actual[tag]) == pytest.approx(float(value), rel=1e-3, abs=1e-4), tag
    for one, other in zip(plain.g_optimizer.variables, compiled.g_optimizer.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-2, atol=1e-5)


@pytest.mark.usefixtures("eager_steps")
def test_the_scalars_beside_the_losses_worked_by_hand():
    """A generator with given outputs, and a discriminator that returns the mean of its input."""
    sr = np.full((2, 32, 32, 3), 0.5, np.float32)
    sr[0, :16] = 0.0  # a quarter of all values is black
    hr = np.full((2, 32, 32, 3), 0.25, np.float32)
    hr[1, 8:16] = 1.0  # an eighth of all is white; the means are 0.25 and 0.4375
    config = small_config("gan.perceptual_weight=0", "gan.pixel_weight=1")
    state = gan_state(config)

    class Told(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.pixels = self.add_weight(shape=sr.shape, initializer="zeros")

        def call(self, lr):
            return self.pixels + 0.0 * keras.ops.mean(lr)

    lr_in, hr_in = keras.Input((8, 8, 3), batch_size=2), keras.Input((32, 32, 3), batch_size=2)
    state.generator = keras.Model(lr_in, Told()(lr_in))
    state.generator_ema = keras.models.clone_model(state.generator, clone_function=lambda layer: Told())
    state.generator.set_weights([sr])
    mean = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)
    state.discriminator = keras.Model(hr_in, mean(keras.ops.mean(hr_in, (1, 2, 3))[:, None]))
    for player, optimizer in ((state.generator, "g_optimizer"), (state.discriminator, "d_optimizer")):
        setattr(state, optimizer, ClippedAdam(1e-9))
        getattr(state, optimizer).build(player.trainable_variables)
    step = make_gan_step(
        state, {"pixel": Term(1.0, lambda o: mse(o.hr, o.sr))}, discriminator_terms(config.gan), ema_decay=0.9
    )
    report = step(np.zeros((2, 8, 8, 3), np.float32), hr)
    scalars = {tag: float(value) for tag, value in report.scalars.items()}
    assert scalars["sr/saturated"] == pytest.approx(0.25 - 0.125)
    # Logits: real 0.25 and 0.4375, mean 0.34375; fake 0.25 and 0.5, mean 0.375.
    np.testing.assert_allclose(report.logits["logits/real"][:, 0], [0.25, 0.4375], rtol=1e-6)
    assert scalars["logits/fake"] == pytest.approx(0.375)
    assert scalars["accuracy/real"] == 0.5  # 0.4375 > 0.375
    assert scalars["accuracy/fake"] == 0.5  # 0.25 < 0.34375
    expected = np.sqrt(np.sum(((sr - hr) * 2 / sr.size) ** 2))
    assert scalars["gradient_norm/generator"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.usefixtures("eager_steps")
def test_a_batch_of_uint8_is_the_same_batch(rng):
    hr = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    lr = hr[:, ::4, ::4]
    config = small_config()
    results = []
    for batch in ((lr, hr), (lr / np.float32(255), hr / np.float32(255))):
        keras.utils.set_random_seed(0)
        step = make_pretrain_step(pretrain_state(config), pretrain_terms(config.pretrain), ema_decay=0.9)
        results.append(step(*map(tf.constant, batch)).scalars)
    assert results[0] == pytest.approx(results[1], rel=1e-5)
