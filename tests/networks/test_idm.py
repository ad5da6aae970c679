import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.positions import axis_positions
from srgan_tf.networks.continuous import at_positions, at_scale, is_continuous
from srgan_tf.networks.denoiser import ResidualDiffusion
from srgan_tf.networks.idm import LAYER, base_of, conditions_of, idm, is_diffusion, with_sampling
from srgan_tf.networks.implicit import ImplicitUpsampling, ScaleBalance
from srgan_tf.networks.interpolation import structural_difference
from srgan_tf.networks.precision import as_float32, precision_scope
from srgan_tf.networks.rewrites.inference import optimize_for_inference

SMALL = {"num_blocks": 1, "num_filters": 4, "basis": 2, "hidden": 4, "widths": (4, 6), "decoder_hidden": 5, "steps": 2}
LR = draw_picture(0, 9, 11)[np.newaxis] / np.float32(255)


def build(**options):
    """A small network whose diffusion is not zero."""
    keras.utils.set_random_seed(0)
    generator = idm(**SMALL | options)
    tail = generator.get_layer(LAYER).tail
    tail.kernel.assign(keras.random.normal(tail.kernel.shape, stddev=0.3, seed=0))
    return generator


@pytest.fixture(scope="module")
def generator():
    return build()


def test_parameters():
    # `continuous` has 171,856. Time: 9 to 64, 64 to 64. Head 24 to 32, tail 32 to 12.
    expected = (9 * 64 + 64) + (64 * 64 + 64) + (9 * 24 * 32 + 32) + (9 * 32 * 12 + 12)
    for width, below in ((32, 64), (64, 96), (96, None)):
        # Condition 32 to width; balance; two blocks: norms, two 3x3, time 64 to 2 widths, shortcut.
        block = 2 * 2 * width + 2 * (9 * width**2 + width) + (64 + 1) * 2 * width + width**2 + width
        expected += (32 + 1) * width + 4 * width + 2 * block
        if below:
            # Down: 3x3; up: below to 64, two coordinates, 64 to width.
            expected += 9 * width * below + below + (below + 1) * 64 + 2 * 64 + 65 * width
    assert idm().count_params() == 171_856 + expected


@pytest.mark.slow
def test_it_starts_close_to_its_base():
    keras.utils.set_random_seed(0)
    generator = idm(**SMALL)
    np.testing.assert_allclose(generator(LR), base_of(generator)(LR), atol=0.02)
    assert is_diffusion(generator)
    assert is_continuous(generator)
    assert not is_diffusion(base_of(generator))


@pytest.mark.parametrize("scale", [2.7, pytest.param(4, marks=pytest.mark.slow)])
def test_another_factor(generator, scale):
    sr = at_scale(generator, scale)(LR)
    size = round(9 * scale), round(11 * scale)
    assert sr.shape == (1, *size, 3)
    positions = [axis_positions(own, out)[np.newaxis] for own, out in zip((9, 11), size, strict=True)]
    np.testing.assert_allclose(at_positions(generator)([LR, *positions]), sr, atol=1e-5)


@pytest.mark.slow
def test_samples_depend_on_the_seed_alone(generator):
    first, again = generator(LR), generator(LR)
    np.testing.assert_array_equal(first, again)
    other = with_sampling(generator, seed=5)
    assert np.abs(other(LR) - first).max() > 0.01
    np.testing.assert_allclose(with_sampling(other, seed=0)(LR), first, atol=1e-6)
    assert with_sampling(generator, steps=3).get_layer(LAYER).steps == 3
    with pytest.raises(ValueError, match="must be 1 to 4"):
        with_sampling(generator, steps=5)


def test_one_step_is_the_estimate_from_noise_clipped_to_images(generator):
    single = with_sampling(generator, steps=1)
    assert structural_difference(generator, single) is None
    layer = single.get_layer(LAYER)
    rows, columns = (axis_positions(own, 4 * own)[np.newaxis] for own in (9, 11))
    inputs = conditions_of(generator)([LR, rows, columns])
    prepared = layer.prepare(inputs)
    z = layer.schedule.noise[4] * layer.noise(0, *prepared[2:])
    output = layer.denoise(prepared, tf.cast(z, tf.float32), tf.fill([1], float(layer.schedule.log_noise_level(4))))
    estimate = inputs[1] + output[:, :36, :44] / 10
    assert np.min(estimate) < 0
    assert np.max(estimate) > 1
    np.testing.assert_allclose(single(LR), np.clip(estimate, 0, 1), atol=1e-5)


def test_noise_belongs_to_the_pixel(generator):
    layer = generator.get_layer(LAYER)
    rows, columns = (axis_positions(100, 400)[np.newaxis] for _ in range(2))
    whole = layer.noise(1, rows, columns)[0].numpy()
    np.testing.assert_array_equal(layer.noise(1, rows[:, 30:50], columns[:, 270:])[0], whole[30:50, 270:])
    np.testing.assert_array_equal(whole[:50], whole[251:301])
    for other in (
        layer.noise(2, rows, columns),
        with_sampling(generator, seed=8).get_layer(LAYER).noise(1, rows, columns),
    ):
        assert abs(np.corrcoef(whole.ravel(), np.ravel(other))[0, 1]) < 0.1
    assert abs(whole.mean()) < 0.02
    assert abs(whole.std() - 1) < 0.02


def test_the_image_that_a_noise_implies():
    layer = build(prediction="noise").get_layer(LAYER)
    assert float(layer.image_of(0.5, 2.0, 0.8, 0.6)) == pytest.approx((2 - 0.3) / 0.8)


def test_every_weight_of_the_diffusion_gets_a_gradient(generator):
    layer = generator.get_layer(LAYER)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(generator(np.repeat(LR, 2, 0), training=True)))
    gradients = tape.gradient(loss, layer.trainable_variables)
    for weight, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.abs(gradient).max() > 0, weight.path


def test_bfloat16_at_inference_keeps_pixels_in_float32(generator):
    half = optimize_for_inference(generator, "bfloat16")
    layer = half.get_layer(LAYER)
    assert layer.dtype_policy.name == "mixed_bfloat16"
    assert [each.dtype for each in layer.input] == ["bfloat16", "float32", "float32", "float32"]
    expected = generator(LR)
    assert np.abs(half(LR) - expected).mean() < 0.005
    exact = optimize_for_inference(base_of(generator), "bfloat16")(LR)
    np.testing.assert_allclose(base_of(half)(LR), exact, atol=1e-3)


def test_scale_balance_by_hand():
    layer = ScaleBalance()
    layer.build([(None, None, None, 1)])
    x, y = np.full((1, 1, 1, 1), 2.0, np.float32), np.full((1, 1, 1, 1), 5.0, np.float32)
    np.testing.assert_allclose(layer([x, y, tf.constant(0.5)])[0, 0, 0], 7 / np.sqrt(2), rtol=1e-5)
    # At factor e: s1 = 1 * 2 + 1 = 3 and s2 = 1 * 3 + 1 = 4, divided by 5.
    layer.set_weights([np.float32([[2], [3]]), np.ones((2, 1), np.float32)])
    np.testing.assert_allclose(layer([x, y, tf.exp(-1.0)])[0, 0, 0], (3 * 2 + 4 * 5) / 5, rtol=1e-5)


def test_implicit_upsampling_is_a_network_of_coordinates(rng):
    layer = ImplicitUpsampling(2, 3)
    x = rng.standard_normal((1, 2, 3, 4)).astype(np.float32)
    layer.build(x.shape)
    y = layer(x)
    assert y.shape == (1, 4, 6, 2)
    (w1, b1), (w2, b2) = (part.get_weights() for part in (layer.first, layer.second))
    coordinates = layer.coordinates.numpy()
    for row, column in np.ndindex(4, 6):
        place = np.float32([-0.25, 0.25])[[row % 2, column % 2]]
        hidden = x[0, row // 2, column // 2] @ w1 + b1 + place @ coordinates
        np.testing.assert_allclose(y[0, row, column], hidden / (1 + np.exp(-hidden)) @ w2 + b2, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_saving_and_optimizing(tmp_path, generator):
    generator.save(tmp_path / "idm.keras")
    expected = generator(LR)
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "idm.keras")(LR), expected, atol=1e-6)
    np.testing.assert_allclose(optimize_for_inference(generator)(LR), expected, atol=1e-5)
    with precision_scope("bfloat16"):
        half = build()
    assert np.abs(half(LR) - expected).mean() < 0.05
    np.testing.assert_allclose(as_float32(half)(LR), expected, atol=1e-5)


def test_the_papers_chain():
    keras.utils.set_random_seed(0)
    generator = build(schedule="linear", length=20, prediction="noise")
    sr = generator(LR).numpy()
    assert np.isfinite(sr).all()
    assert generator.get_layer(LAYER).schedule.length == 20
    with pytest.raises(ValueError, match=r"at most `length` 4\. Received: 5"):
        idm(**SMALL | {"length": 4, "steps": 5})
    assert isinstance(generator.get_layer(LAYER), ResidualDiffusion)
