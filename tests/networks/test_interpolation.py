import keras
import numpy as np
import pytest

from srgan_tf.errors import UserError
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.interpolation import interpolate, structural_difference


def network(seed, **options):
    keras.utils.set_random_seed(seed)
    return srresnet(num_blocks=1, num_filters=4, **options)


def test_weights_lie_between():
    first, second = network(0), network(1)
    blended = interpolate(first, second, 0.8)
    for a, b, c in zip(first.get_weights(), second.get_weights(), blended.get_weights(), strict=True):
        np.testing.assert_allclose(c, 0.2 * a + 0.8 * b, rtol=1e-6)


def test_the_ends_are_the_networks(rng):
    first, second = network(0), network(1)
    lr = rng.random((1, 5, 7, 3), np.float32)
    before = first(lr)
    np.testing.assert_array_equal(interpolate(first, second, 0)(lr), before)
    np.testing.assert_array_equal(interpolate(first, second, 1)(lr), second(lr))
    np.testing.assert_array_equal(first(lr), before)  # neither is changed
    assert np.abs(second(lr) - before).max() > 1e-3


def test_saved_and_loaded_networks_blend(tmp_path):
    for seed in (0, 1):
        network(seed, output_activation="linear", bilinear_skip=True).save(tmp_path / f"{seed}.keras")
    first, second = (keras.saving.load_model(tmp_path / f"{seed}.keras") for seed in (0, 1))
    assert interpolate(first, second, 0.5).count_params() == first.count_params()


def test_the_momentum_of_batch_norms_is_not_part_of_the_function():
    assert structural_difference(network(0, batch_norm_momentum=0.99), network(0)) is None
    difference = structural_difference(network(0, batch_norm_epsilon=1e-3), network(0))
    assert difference == "epsilon of 'block1_norm1': 0.001 and 1e-05"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalization": "none"}, "differ in their number of layers: 19 and 16"),
        ({"head_kernel_size": 3}, r"differ in weights of 'head_conv': \[\(9, 9, 3, 4\), \(4,\)\] and"),
        ({"output_activation": "linear"}, "layers"),
    ],
)
def test_other_networks_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        interpolate(network(0), network(1, **options), 0.5)


@pytest.mark.parametrize("alpha", [-0.1, 1.5])
def test_alpha_out_of_range(alpha):
    with pytest.raises(UserError, match="between 0 and 1"):
        interpolate(network(0), network(1), alpha)
