import keras
import numpy as np
import pytest

from srgan_tf.networks.srdensenet import srdensenet


def test_parameters():
    # Head 3*3*3*128 + 128. First layers of the 8 blocks: 3*3 * 128 * (1 + 2 + ... + 8) * 16; the others: 3*3 * 16 *
    # (1 + ... + 7) * 16 in each block; 64 layers with 16 biases.
    dense = 9 * 128 * 36 * 16 + 8 * 9 * 16 * 28 * 16 + 64 * 16
    assert dense == 1_180_672
    # The bottleneck joins the head and 8 blocks of 128 channels; each shuffle leaves a quarter of 256.
    bottleneck = 9 * 128 * 256 + 256
    upsampling = (9 * 256 * 256 + 256) + (9 * 64 * 256 + 256)
    last = 9 * 64 * 3 + 3
    assert 3_584 + dense + bottleneck + upsampling + last == 2_218_947
    assert srdensenet().count_params() == 2_218_947


def convolve(x, layer):
    """A "same" convolution with an odd kernel and zero padding, in numpy."""
    kernel, bias = (weight.numpy().astype(np.float64) for weight in layer.weights)
    size = kernel.shape[0]
    padded = np.pad(x, ((size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    height, width = x.shape[:2]
    shifted = [padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(size) for j in range(size)]
    return sum(shifted) + bias


def shuffle(x):
    """[height, width, 4 c] to [2 height, 2 width, c]."""
    height, width, channels = x.shape
    return x.reshape(height, width, 2, 2, channels // 4).transpose(0, 2, 1, 3, 4).reshape(2 * height, 2 * width, -1)


def test_against_the_papers_figure_in_numpy(rng):
    keras.utils.set_random_seed(0)
    generator = srdensenet(scale=4, num_blocks=2, num_layers=3, growth_filters=2, num_filters=8)
    for weight in generator.trainable_variables:  # larger than the initial ones, biases too
        weight.assign(rng.normal(scale=0.3, size=weight.shape))
    lr = rng.random((5, 7, 3))

    def relu(x, name):
        return np.maximum(convolve(x, generator.get_layer(name)), 0)

    features = [relu(lr, "head_conv")]
    for block in (1, 2):
        inside = [relu(np.concatenate(features, -1), f"block{block}_conv1")]
        for index in (2, 3):
            inside.append(relu(np.concatenate(inside, -1), f"block{block}_conv{index}"))
        features.append(np.concatenate(inside, -1))
    x = relu(np.concatenate(features, -1), "bottleneck_conv")
    assert generator.get_layer("bottleneck_conv").kernel.shape == (1, 1, 6 + 2 * 6, 8)
    for stage in (1, 2):
        x = np.maximum(shuffle(convolve(x, generator.get_layer(f"upsample{stage}_conv"))), 0)
    x = convolve(x, generator.get_layer("sr"))
    np.testing.assert_allclose(generator(lr[np.newaxis].astype(np.float32))[0], x, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"num_filters": 6}, r"`num_filters` must be a multiple of 4. Received: 6"), ({"num_layers": 0}, "num_layers")],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        srdensenet(**options)
