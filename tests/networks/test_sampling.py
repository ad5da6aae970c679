import keras
import numpy as np
import pytest

from srgan_tf.images.positions import axis_positions
from srgan_tf.images.resize import imresize
from srgan_tf.networks.precision import precision_scope
from srgan_tf.networks.sampling import BasisSampling, BicubicSampling, Positions


def positions_of(in_size, out_size, batch=1):
    return np.repeat(axis_positions(in_size, out_size)[np.newaxis], batch, axis=0)


@pytest.mark.parametrize("scale", [1, 4, 2.7, 3.3, 6.1])
def test_positions_of_an_image_equal_those_of_numpy(scale):
    lr = np.zeros((2, 13, 30, 3), np.float32)
    for axis in (1, 2):
        size = lr.shape[axis]
        layer = Positions(scale, axis)
        expected = positions_of(size, round(size * scale), 2)
        np.testing.assert_array_equal(layer(lr), expected)
        assert layer.compute_output_shape(lr.shape) == expected.shape


@pytest.mark.parametrize("size", [(35, 46), (13, 17), (52, 68), (80, 19)])
def test_bicubic_sampling_is_imresize(rng, size):
    lr = rng.random((2, 13, 17, 3), np.float32)
    sr = BicubicSampling()([lr, positions_of(13, size[0], 2), positions_of(17, size[1], 2)])
    for image, expected in zip(sr, lr, strict=True):
        np.testing.assert_allclose(image, imresize(expected, *size), atol=2e-6)


def test_basis_sampling_is_the_sum_of_its_definition(rng):
    layer = BasisSampling(2, 4)
    maps = rng.random((2, 2, 3, 12), np.float32)
    rows, columns = positions_of(2, 3, 2), positions_of(3, 4, 2)
    sampled = layer([maps, rows, columns])
    assert sampled.shape == (2, 3, 4, 3) == layer.compute_output_shape([maps.shape, rows.shape, columns.shape])
    u, v = layer.values(rows[0]).numpy(), layer.values(columns[0]).numpy()
    # Centres of 3 rows on 2: 1/3, 1, 5/3; of 4 columns on 3: 3/8, 9/8, 15/8, 21/8.
    nearest = maps[:, [0, 1, 1]][:, :, [0, 1, 1, 2]].reshape(2, 3, 4, 2, 2, 3)
    np.testing.assert_allclose(sampled, np.einsum("bnmijc,ni,mj->bnmc", nearest, u, v), rtol=1e-4, atol=1e-6)


def test_basis_functions_are_a_network_of_distance_and_size(rng):
    layer = BasisSampling(2, 3)
    positions = rng.random((5, 4), np.float32)
    layer.build(None)
    weights = [rng.standard_normal(weight.shape).astype(np.float32) for weight in layer.weights]
    layer.set_weights(weights)
    x = positions[:, 1:3] * [np.sqrt(12), 1]
    for index in range(3):
        x = x @ weights[2 * index] + weights[2 * index + 1]
        x = x / (1 + np.exp(-x)) if index < 2 else x
    np.testing.assert_allclose(layer.values(positions), x, rtol=1e-4, atol=1e-5)


def test_positions_are_not_rounded_in_half_precision():
    with precision_scope("bfloat16"):
        layers = [BasisSampling(2, 4), BicubicSampling()]
    # bfloat16 has no 259.
    maps = np.zeros((1, 300, 1, 12), np.float32)
    maps[0, 259] = 1
    position, column = np.array([[[259, 0.1, 0.5, 0]]], np.float32), np.array([[[0, 0.1, 0.5, 0]]], np.float32)
    for layer, channels in zip(layers, (12, 3), strict=True):
        values = [
            layer([maps[..., :channels], position + np.float32((shift, 0, 0, 0)), column]) for shift in (-5, 0, 5)
        ]
        assert values[1].dtype == "float32"
        assert [bool(np.abs(value).max() > 1e-3) for value in values] == [False, True, False]


def test_layers_are_saved(tmp_path, rng):
    lr = keras.Input((None, None, 3))
    positions = [Positions(2.5, axis)(lr) for axis in (1, 2)]
    model = keras.Model(lr, BicubicSampling()([lr, *positions]) + BasisSampling(1, 4)([lr, *positions]))
    model.save(tmp_path / "model.keras")
    image = rng.random((1, 6, 8, 3), np.float32)
    np.testing.assert_array_equal(keras.saving.load_model(tmp_path / "model.keras")(image), model(image))
