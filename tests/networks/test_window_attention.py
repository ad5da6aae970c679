import keras
import numpy as np
import pytest

from srgan_tf.networks.window_attention import WindowAttention


def window_attention(rng, channels=12, num_heads=3, **options):
    keras.utils.set_random_seed(0)
    layer = WindowAttention(num_heads, **options)
    layer.build((None, None, None, channels))
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer


def test_window_attention_against_keras_on_one_window(rng):
    layer = window_attention(rng, window_size=4)
    layer.position_bias.assign(np.zeros(layer.position_bias.shape))
    reference = keras.layers.MultiHeadAttention(3, 4)
    reference.build((1, 16, 12), (1, 16, 12))
    kernel, bias = (np.split(weight.numpy(), 3, axis=-1) for weight in layer.qkv.weights)
    names = ("query", "key", "value")
    values = {f"{name}/kernel": kernel[i].reshape(12, 3, 4) for i, name in enumerate(names)}
    values |= {f"{name}/bias": bias[i].reshape(3, 4) for i, name in enumerate(names)}
    values |= {
        "attention_output/kernel": layer.projection.kernel.numpy().reshape(3, 4, 12),
        "attention_output/bias": layer.projection.bias.numpy(),
    }
    for weight in reference.weights:
        weight.assign(values["/".join(weight.path.split("/")[-2:])])
    x = rng.normal(size=(2, 4, 4, 12)).astype(np.float32)
    sequence = x.reshape(2, 16, 12)
    np.testing.assert_allclose(np.reshape(layer(x), (2, 16, 12)), reference(sequence, sequence), rtol=1e-4, atol=1e-4)


def naive_window_attention(layer, x):
    """One pixel and head at a time, in numpy."""
    size, heads, shift = layer.window_size, layer.num_heads, layer.shift
    height, width, channels = x.shape
    depth = channels // heads
    query, key, value = np.split(x @ layer.qkv.kernel.numpy() + layer.qkv.bias.numpy(), 3, axis=-1)
    table = layer.position_bias.numpy()
    result = np.zeros_like(x)
    for i, j in np.ndindex(height, width):
        window = [
            (k, m)
            for k, m in np.ndindex(height, width)
            if (k + shift) // size == (i + shift) // size and (m + shift) // size == (j + shift) // size
        ]
        for head in range(heads):
            part = slice(head * depth, (head + 1) * depth)
            scores = np.array(
                [
                    query[i, j, part] @ key[k, m, part] / np.sqrt(depth)
                    + table[i - k + size - 1, j - m + size - 1, head]
                    for k, m in window
                ]
            )
            weights = np.exp(scores - scores.max())
            result[i, j, part] = sum(
                weight * value[k, m, part] for weight, (k, m) in zip(weights / weights.sum(), window, strict=True)
            )
    return result @ layer.projection.kernel.numpy() + layer.projection.bias.numpy()


@pytest.mark.parametrize("shift", [0, 2])
@pytest.mark.parametrize("shape", [(4, 4), (7, 9), (3, 2), (1, 13)])
def test_window_attention_with_position_bias_on_any_size(rng, shape, shift):
    layer = window_attention(rng, channels=6, num_heads=2, window_size=4, shift=shift)
    x = rng.normal(size=(2, *shape, 6)).astype(np.float32)
    expected = np.stack([naive_window_attention(layer, picture) for picture in x])
    np.testing.assert_allclose(layer(x), expected, rtol=1e-3, atol=1e-3)


def test_heads_must_divide_the_channels():
    with pytest.raises(ValueError, match=r"10 channels.*3"):
        WindowAttention(3).build((None, None, None, 10))
