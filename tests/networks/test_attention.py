import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.networks.attention import ATTENTIONS
from srgan_tf.networks.srresnet import srresnet


def attend(name, channels, **options):
    """A network of a single attention module."""
    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, channels))
    return keras.Model(image, ATTENTIONS[name](image, "attention", index=1, **options))


def test_channel_attention_in_numpy(rng):
    network = attend("channel", 96)
    x = rng.normal(size=(2, 5, 7, 96)).astype(np.float32)
    squeeze, excite = (network.get_layer(f"attention_{name}") for name in ("squeeze", "excite"))
    assert squeeze.kernel.shape == (1, 1, 96, 6)  # a sixteenth
    for layer in (squeeze, excite):
        layer.bias.assign(rng.normal(size=layer.bias.shape))
    hidden = np.maximum(x.mean((1, 2)) @ squeeze.kernel.numpy()[0, 0] + squeeze.bias.numpy(), 0)
    weights = 1 / (1 + np.exp(-(hidden @ excite.kernel.numpy()[0, 0] + excite.bias.numpy())))
    np.testing.assert_allclose(network(x), x * weights[:, np.newaxis, np.newaxis], rtol=1e-4, atol=1e-6)


def test_gates_of_channel_attention_start_apart():
    network = attend("channel", 64)
    gates = network(np.full((1, 4, 4, 64), 1e-3, np.float32))[0, 0, 0].numpy() / 1e-3
    # The biases of the excitation are uniform within 1 / sqrt(4); the squeezed features are near 0.
    assert 0.3 < gates.min() < 0.45
    assert 0.55 < gates.max() < 0.7


def test_channel_attention_depends_on_the_whole_picture(rng):
    network, x = attend("channel", 32), rng.normal(size=(1, 40, 40, 32)).astype(np.float32)
    changed = x.copy()
    changed[0, 39, 39] += 100.0
    assert np.abs(network(changed)[0, 0, 0] - network(x)[0, 0, 0]).max() > 1e-4


def test_self_attention_depends_on_its_window_only(rng):
    network, x = attend("self", 16), rng.normal(size=(1, 20, 20, 16)).astype(np.float32)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(scale=0.2, size=weight.shape))  # larger ones would decide the softmax
    changed = x.copy()
    changed[0, 9, 10] += rng.normal(size=16)
    touched = np.abs(network(changed)[0] - network(x)[0]).max(-1) > 0
    expected = np.zeros((20, 20), bool)
    expected[8:16, 8:16] = True
    np.testing.assert_array_equal(touched, expected)


@pytest.mark.parametrize("name", ["self", "multiscale"])
def test_attention_with_a_skip_starts_as_a_small_correction(rng, name):
    """The feature maps of the trunk are small, since its kernels start at a tenth; attention normalizes them."""
    keras.utils.set_random_seed(0)
    small = {"num_blocks": 4, "num_filters": 32, "attention": name}
    network = srresnet(normalization="none", init_gain=0.1, head_kernel_size=3, **small)
    sums = [layer.input for layer in network.layers if layer.name.endswith("attention")]
    assert len(sums) == 4
    for trunk, attended in keras.Model(network.input, sums)(rng.uniform(size=(1, 24, 24, 3))):
        assert 0.01 < np.std(attended) / np.std(trunk) < 0.3


def test_every_second_self_attention_is_shifted():
    image = keras.Input((None, None, 16))
    layers = [
        keras.Model(image, ATTENTIONS["self"](image, "attention", index=index)).get_layer("attention_windows")
        for index in (1, 2, 3)
    ]
    assert [layer.shift for layer in layers] == [0, 4, 0]


def test_receptive_field_of_multiscale_attention_is_39_pixels(rng):
    network = attend("multiscale", 9)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(size=weight.shape))
    x = rng.normal(size=(1, 45, 45, 9)).astype(np.float32)
    changed = x.copy()
    changed[0, 22, 22] += rng.normal(size=9)
    touched = np.nonzero(np.abs(network(changed)[0] - network(x)[0]).max((1, 2)))[0]
    assert (touched.min(), touched.max()) == (22 - 19, 22 + 19)  # a local 7 and a sparse 9 at dilation 4: 3 + 16


@pytest.mark.parametrize(("channels", "thirds"), [(9, [3, 3, 3]), (8, [3, 3, 2]), (64, [22, 21, 21])])
def test_multiscale_attention_in_numpy(rng, channels, thirds):
    network = attend("multiscale", channels)
    for weight in network.trainable_variables:
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    x = rng.normal(size=(1, 6, 5, channels)).astype(np.float32)

    def layer(name):
        return network.get_layer(f"attention_{name}")

    def pointwise(x, layer):
        return x @ layer.kernel.numpy()[0, 0] + layer.bias.numpy()

    def depthwise(x, layer):
        kernel, dilation = layer.kernel.numpy()[..., 0], layer.dilation_rate[0]
        reach = dilation * (kernel.shape[0] // 2)
        padded = np.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        total = layer.bias.numpy()
        for i in range(kernel.shape[0]):
            for j in range(kernel.shape[1]):
                total = total + kernel[i, j] * padded[:, i * dilation :, j * dilation :][:, :6, :5]
        return total

    norm = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6)
    norm = norm * layer("norm").gamma.numpy() + layer("norm").beta.numpy()
    gates = []
    for scale in (1, 2, 3):
        third = pointwise(norm, layer(f"scale{scale}_input"))
        far = depthwise(depthwise(third, layer(f"scale{scale}_local")), layer(f"scale{scale}_sparse"))
        gates.append(pointwise(far, layer(f"scale{scale}_mix")) * depthwise(third, layer(f"scale{scale}_near")))
    assert [gate.shape[-1] for gate in gates] == thirds
    values = pointwise(norm, layer("values")) * np.concatenate(gates, -1)
    expected = x + pointwise(values, layer("output"))
    np.testing.assert_allclose(network(x), expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize(("name", "source"), [("channel", "conv2"), ("self", "add"), ("multiscale", "add")])
def test_place_in_a_residual_block(name, source):
    generator = srresnet(num_blocks=1, num_filters=8, normalization="none", attention=name)
    first = generator.get_layer(f"block1_attention_{'mean' if name == 'channel' else 'norm'}")
    assert first.input is generator.get_layer(f"block1_{source}").output


@pytest.mark.parametrize("name", ["self", "multiscale"])
def test_small_feature_maps_are_normalized(name, rng):
    network = attend(name, 16)
    inner = keras.Model(network.input, network.get_layer("attention_norm").output)
    x = 0.01 * rng.normal(size=(1, 8, 8, 16)).astype(np.float32)
    assert np.std(inner(x)) == pytest.approx(1.0, abs=0.02)  # 0.3 with an epsilon of 1e-3


@pytest.mark.parametrize("name", ATTENTIONS)
def test_shape_and_finite_gradient_on_flat_images(name):
    network = attend(name, 16)
    x = tf.ones((1, 3, 5, 16))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = network(x)
    assert y.shape == x.shape
    assert np.isfinite(tape.gradient(y, x)).all()
