"""GAN steps of all presets: each objective, penalty and loss term, several discriminator steps per generator step."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.images.resize import imresize
from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.losses.artifacts import artifact_loss
from srgan_tf.losses.penalties import gradient_penalty, r1_penalty
from srgan_tf.training.objective import LossInputs, discriminator_terms, evaluate_terms, gan_terms
from srgan_tf.training.state import gan_state
from srgan_tf.training.steps import make_gan_step

CRITIC = ("gan.adversarial=wgan_gp", "gan.gradient_penalty_weight=10", "discriminator.normalization=layer")
CLIPPED = ("gan.clip_weights=0.01", "gan.adversarial=wgan", "gan.discriminator_optimizer.name=rmsprop")
# Settings that an objective needs besides its name.
OBJECTIVES = {name: (f"gan.adversarial={name}",) for name in ADVERSARIAL_LOSSES} | {"wgan_gp": CRITIC, "wgan": CLIPPED}


def small_config(*assignments):
    keras.utils.set_random_seed(0)
    small = [
        *("generator.num_blocks=1", "generator.num_filters=4", "generator.normalization=none"),
        *("discriminator.num_filters=4", "data.hr_patch_size=32", "gan.learning_rate.decay=constant"),
        *("gan.perceptual_weight=0", "gan.total_variation_weight=0"),
    ]
    return with_settings(presets.srgan_x4(), ["precision=float32", *assignments, *small])


@pytest.fixture
def batch(rng):
    hr = tf.constant(rng.random((3, 32, 32, 3), np.float32))
    return tf.image.resize(hr, (8, 8), "area"), hr


def make_step(config, state, **terms):
    gan = config.gan
    return make_gan_step(
        state,
        gan_terms(gan, **terms),
        discriminator_terms(gan),
        ema_decay=0.9,
        generator_every=gan.generator_every,
    )


def weights(network):
    return [weight.numpy().copy() for weight in network.trainable_variables]


def moved(before, network):
    return [bool((old != new.numpy()).any()) for old, new in zip(before, network.trainable_variables, strict=True)]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_each_objective_lowers_its_own_loss_on_one_batch(batch, name):
    """The discriminator's loss with a fixed generator, then the generator's loss with a fixed discriminator."""
    gan = small_config(*OBJECTIVES[name], "gan.adversarial_weight=1").gan
    lr, hr = batch
    layers = keras.layers
    generator = keras.Sequential(
        [layers.UpSampling2D(4), layers.Conv2D(4, 3, 1, "same"), layers.Conv2D(3, 3, 1, "same")]
    )
    discriminator = keras.Sequential(
        [layers.Conv2D(4, 3, 2), layers.LeakyReLU(0.2), layers.Conv2D(4, 3, 2), layers.Flatten(), layers.Dense(1)]
    )
    generator.build((3, 8, 8, 3))
    discriminator.build((3, 32, 32, 3))

    def loss(terms):
        sr = generator(lr)
        logits = discriminator(hr), discriminator(sr)
        outputs = LossInputs(hr, sr, *logits, discriminator=discriminator, positions=tf.constant([0.1, 0.5, 0.9]))
        return evaluate_terms(terms, outputs)[0]

    for player, terms in ((discriminator, discriminator_terms(gan)), (generator, gan_terms(gan))):
        optimizer = keras.optimizers.Adam(3e-3)
        optimizer.build(player.trainable_variables)

        @tf.function
        def step(player=player, terms=terms, optimizer=optimizer):
            with tf.GradientTape() as tape:
                total = loss(terms)
            optimizer.apply(tape.gradient(total, player.trainable_variables), player.trainable_variables)
            return total

        losses = [float(step()) for _ in range(50)]
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0] - 0.02


@pytest.mark.usefixtures("eager_steps")
@pytest.mark.parametrize(
    "settings",
    [
        *(pytest.param(OBJECTIVES[name], marks=pytest.mark.slow) for name in ("ra", "lsgan", "hinge")),
        pytest.param(("discriminator.normalization=none", "gan.r1_weight=1"), marks=pytest.mark.slow),
        OBJECTIVES["wgan_gp"],
        ("discriminator.name=unet", "gan.adversarial=hinge"),
        ("discriminator.normalization=spectral", "gan.r1_weight=1"),
    ],
    ids=lambda settings: "-".join(setting.split("=")[1] for setting in settings),
)
def test_the_step_updates_both_networks(batch, settings):
    config = small_config(*settings)
    state = gan_state(config)
    step = make_step(config, state)
    before = weights(state.generator), weights(state.discriminator)
    scalars = step(*batch).scalars
    assert any(moved(before[0], state.generator))
    # Kernels only: a bias that shifts all logits equally cancels in their differences.
    kernels = [weight.ndim > 1 for weight in before[1]]
    assert all(np.array(moved(before[1], state.discriminator))[kernels])
    assert all(np.isfinite(float(value)) for value in scalars.values())
    weights_of = {"gradient_penalty": config.gan.gradient_penalty_weight, "r1": config.gan.r1_weight}
    total = float(scalars["loss/discriminator/adversarial"])
    for name, weight in weights_of.items():
        assert (f"loss/discriminator/{name}" in scalars) == bool(weight)
        total += weight * float(scalars.get(f"loss/discriminator/{name}", 0.0))
    assert float(scalars["loss/discriminator/total"]) == pytest.approx(total, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["rmsprop", "adam"])
def test_the_weights_of_a_clipped_critic_are_bounded_after_each_step(batch, optimizer):
    config = small_config(
        *CLIPPED,
        *(f"gan.discriminator_optimizer.name={optimizer}", "gan.adversarial_weight=1", "gan.generator_every=2"),
        "gan.learning_rate.initial=1e-4",
    )
    state = gan_state(config)
    step = make_step(config, state)
    assert max(float(np.abs(weight).max()) for weight in weights(state.discriminator)) > 0.1
    for number in (1, 2, 3):
        generator, critic = weights(state.generator), weights(state.discriminator)
        step(*batch)
        bounds = [float(np.abs(weight).max()) for weight in weights(state.discriminator)]
        assert max(bounds) <= 0.01 * (1 + 1e-6)
        assert max(bounds) > 0.009
        assert any(moved(critic, state.discriminator))
        assert any(moved(generator, state.generator)) == (number == 2)
    # The generator is not clipped.
    assert max(float(np.abs(weight).max()) for weight in weights(state.generator)) > 0.05


@pytest.mark.usefixtures("eager_steps")
def test_the_penalties_of_the_step_are_those_of_its_networks(batch):
    config = small_config(*CRITIC, "gan.r1_weight=2")
    state = gan_state(config)
    lr, hr = batch
    sr, critic = state.generator(lr), state.discriminator
    expected = [
        # The step draws its own interpolation weights: its penalty lies in the range of eight other draws.
        [float(gradient_penalty(critic, hr, sr, tf.random.stateless_uniform((3,), (7, i)))) for i in range(8)],
        float(r1_penalty(critic, hr)),
    ]
    scalars = make_step(config, state)(lr, hr).scalars
    penalty = float(scalars["loss/discriminator/gradient_penalty"])
    assert min(expected[0]) * 0.99 < penalty < max(expected[0]) * 1.01
    assert float(scalars["loss/discriminator/r1"]) == pytest.approx(expected[1], rel=1e-4)


@pytest.mark.slow
def test_generator_every_3_updates_the_generator_at_every_third_step(batch):
    config = small_config("gan.generator_every=3")
    state = gan_state(config)
    step = make_step(config, state)
    for number in range(1, 7):
        networks = state.generator, state.generator_ema, state.discriminator
        before = [weights(network) for network in networks]
        scalars = step(*batch).scalars
        expected = [number % 3 == 0, number % 3 == 0, True]
        assert [any(moved(*pair)) for pair in zip(before, networks, strict=True)] == expected
        assert ("loss/generator/total" in scalars) == expected[0]
        assert int(state.step) == number
    # After a return to an earlier checkpoint the count goes on from there.
    state.step.assign(2)
    assert "loss/generator/total" in step(*batch).scalars


@pytest.mark.usefixtures("eager_steps")
@pytest.mark.parametrize("term", ["artifact", "lr_consistency", "rank"])
def test_each_new_term_alone_reaches_the_generator(batch, term):
    settings = ["gan.adversarial_weight=0", f"gan.{term}_weight=1", "gan.ranker=a stand-in"]
    config = small_config(*settings)
    state = gan_state(config)
    state.generator_ema.set_weights([0.9 * weight for weight in state.generator.get_weights()])
    lr, hr = batch
    sr, sr_ema = state.generator(lr), state.generator_ema(lr)

    def ranker(images):  # prefers bright images
        return -tf.reduce_mean(images, axis=(1, 2))[:, :1]

    before = weights(state.generator)
    scalars = make_step(config, state, ranker=ranker)(lr, hr).scalars
    assert any(moved(before, state.generator))
    expected = {
        "artifact": lambda: artifact_loss(hr, sr, sr_ema),
        "lr_consistency": lambda: tf.reduce_mean(tf.abs(lr - downscaled(sr))[:, 2:-2, 2:-2]),
        "rank": lambda: tf.reduce_mean(tf.sigmoid(ranker(sr))),
    }[term]()
    assert float(scalars["loss/generator/total"]) == pytest.approx(float(expected), rel=1e-4)


def downscaled(sr):
    return np.stack([imresize(picture, 8, 8) for picture in sr.numpy()]).astype(np.float32)


@pytest.mark.soak
def test_xla_gives_the_same_losses(batch):
    """Covers second-order gradients, spectral norm, the artifact map and downscaling. (Random numbers differ.)"""
    losses = []
    for jit in (False, True):
        config = small_config(
            *("discriminator.name=unet", "gan.r1_weight=1", "gan.artifact_weight=1", "gan.lr_consistency_weight=1")
        )
        terms, d_terms = gan_terms(config.gan), discriminator_terms(config.gan)
        step = make_gan_step(gan_state(config), terms, d_terms, ema_decay=0.9, jit=jit)
        scalars = [step(*batch).scalars for _ in range(2)][-1]
        losses.append([float(scalars[f"loss/{name}/total"]) for name in ("generator", "discriminator")])
    np.testing.assert_allclose(losses[1], losses[0], rtol=2e-3)
