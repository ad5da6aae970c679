import keras
import numpy as np
import pytest

from srgan_tf.networks.wdsr import DIV2K_MEAN, wdsr


def test_parameters():
    # Each convolution has a kernel, and a gain and a bias for each filter. A block: 1x1 from 32 to 192, 1x1 to 25 (0.8
    # of 32), 3x3 to 32. Head 3x3 from 3; tail 3x3 and skip 5x5, both to 48.
    block = (32 * 192 + 2 * 192) + (192 * 25 + 2 * 25) + (9 * 25 * 32 + 2 * 32)
    assert block == 18_642
    head, tail, skip = 9 * 3 * 32 + 2 * 32, 9 * 32 * 48 + 2 * 48, 25 * 3 * 48 + 2 * 48
    assert wdsr(num_blocks=2).count_params() == head + 2 * block + tail + skip
    assert head + 32 * block + tail + skip == 615_088  # of wdsr_x4, see test_presets.py


def convolve(x, layer):
    """A "same" convolution with weight normalization, in numpy."""
    weights = {weight.name: weight.numpy().astype(np.float64) for weight in layer.weights}
    kernel = weights["kernel"] * weights["gain"] / np.sqrt((weights["kernel"] ** 2).sum(axis=(0, 1, 2)))
    size = kernel.shape[0]
    padded = np.pad(x, ((size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    height, width = x.shape[:2]
    shifted = [padded[i : i + height, j : j + width] @ kernel[i, j] for i in range(size) for j in range(size)]
    return sum(shifted) + weights["bias"]


def shuffle(x, scale):
    height, width = x.shape[:2]
    return x.reshape(height, width, scale, scale, 3).transpose(0, 2, 1, 3, 4).reshape(scale * height, scale * width, 3)


@pytest.mark.parametrize("scale", [2, 3])
def test_against_the_papers_figure_in_numpy(rng, scale):
    keras.utils.set_random_seed(0)
    generator = wdsr(scale=scale, num_blocks=2, num_filters=6, expansion=3, low_rank_fraction=0.5)
    for weight in generator.trainable_variables:  # biases too
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    lr = rng.random((5, 7, 3))
    layer = generator.get_layer
    image = 2 * (lr - DIV2K_MEAN)
    x = convolve(image, layer("head_conv"))
    for block in ("block1", "block2"):
        wide = np.maximum(convolve(x, layer(f"{block}_expand")), 0)
        assert wide.shape[2] == 18
        narrow = convolve(wide, layer(f"{block}_reduce"))
        assert narrow.shape[2] == 3
        x = x + convolve(narrow, layer(f"{block}_conv"))
    # Two pixel shuffles, as in the figure; the network has one.
    x = shuffle(convolve(x, layer("tail_conv")), scale) + shuffle(convolve(image, layer("skip_conv")), scale)
    expected = x / 2 + DIV2K_MEAN
    np.testing.assert_allclose(generator(lr[np.newaxis].astype(np.float32))[0], expected, rtol=1e-3, atol=1e-3)


def test_initial_weights_depend_on_the_seed():
    kernels = []
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        generator = wdsr(num_blocks=2, num_filters=8)
        kernels += [generator.get_layer(f"block{block}_conv").kernel.numpy() for block in (1, 2)]
    for index, kernel in enumerate(kernels):
        assert all((kernel != other).any() for other in kernels[:index])


def test_one_filter_has_one_low_rank_channel():
    assert wdsr(num_blocks=1, num_filters=1).get_layer("block1_reduce").filters == 1


@pytest.mark.parametrize("options", [{"low_rank_fraction": 0.0}, {"low_rank_fraction": 1.5}, {"expansion": 0}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        wdsr(**options)
