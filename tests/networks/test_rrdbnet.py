import keras
import numpy as np
import pytest

from srgan_tf.networks.rrdbnet import rrdbnet


@pytest.mark.slow
def test_parameters():
    # A dense block: 3*3 * (64 + 96 + 128 + 160) * 32 + 4 * 32, and 3*3 * 192 * 64 + 64.
    dense_block = 9 * (64 + 96 + 128 + 160) * 32 + 4 * 32 + 9 * 192 * 64 + 64
    # Head; trunk, two enlargements and the detail convolution; the last one.
    others = (9 * 3 * 64 + 64) + 4 * (9 * 64 * 64 + 64) + (9 * 64 * 3 + 3)
    assert 23 * 3 * dense_block + others == 16_697_987  # test_presets.py builds that one
    assert rrdbnet(num_blocks=2).count_params() == 2 * 3 * dense_block + others


def convolve(x, layer):
    """A 3x3 convolution with zero padding, in numpy."""
    kernel, bias = (weight.numpy().astype(np.float64) for weight in layer.weights)
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    height, width = x.shape[:2]
    shifted = [padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)]
    return sum(shifted) + bias


def test_against_the_papers_figure_in_numpy(rng):
    keras.utils.set_random_seed(0)
    generator = rrdbnet(scale=2, num_blocks=2, num_filters=6, growth_filters=3, residual_scale=0.3)
    for weight in generator.trainable_variables:  # larger than the initial ones, so that no part can hide
        weight.assign(rng.normal(scale=0.2, size=weight.shape))
    lr = rng.random((5, 7, 3))

    def layer(name):
        return generator.get_layer(name)

    def leaky(x):
        return np.where(x > 0, x, 0.2 * x)

    head = x = convolve(lr, layer("head_conv"))
    for block in (1, 2):
        block_input = x
        for dense in (1, 2, 3):
            features = [x]
            for index in (1, 2, 3, 4):
                conv = layer(f"block{block}_dense{dense}_conv{index}")
                features.append(leaky(convolve(np.concatenate(features, -1), conv)))
            x = x + 0.3 * convolve(np.concatenate(features, -1), layer(f"block{block}_dense{dense}_conv5"))
        x = block_input + 0.3 * x
    x = head + convolve(x, layer("trunk_conv"))
    x = leaky(convolve(x.repeat(2, 0).repeat(2, 1), layer("upsample1_conv")))
    x = convolve(leaky(convolve(x, layer("detail_conv"))), layer("sr"))
    np.testing.assert_allclose(generator(lr[np.newaxis].astype(np.float32))[0], x, rtol=1e-3, atol=1e-3)


def test_initial_weights_of_dense_blocks_are_a_tenth():
    generator = rrdbnet(num_blocks=1)
    small = generator.get_layer("block1_dense2_conv3").kernel.numpy().std()
    # He: sqrt(2 / fan_in), a truncated normal brought back to that deviation.
    assert small == pytest.approx(0.1 * np.sqrt(2 / (9 * 128)), rel=0.03)


def test_other_initial_weights_have_pytorchs_deviation():
    generator = rrdbnet(num_blocks=1)
    names = ("head_conv", "trunk_conv", "upsample1_conv", "upsample2_conv", "detail_conv", "sr")
    for name, fan_in in zip(names, [9 * 3, *[9 * 64] * 5], strict=True):
        layer = generator.get_layer(name)
        # kaiming_uniform_(a=sqrt(5)) draws from +-sqrt(1 / fan_in), whose variance is a third of the square.
        assert layer.kernel.numpy().std() == pytest.approx(np.sqrt(1 / (3 * fan_in)), rel=0.06), name
        assert not layer.bias.numpy().any()
