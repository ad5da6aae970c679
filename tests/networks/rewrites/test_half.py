import keras
import numpy as np
import pytest
from support.samples import SHRUNK, assert_same_picture

from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.networks.generators import compact, srresnet
from srgan_tf.networks.geometry import receptive_field
from srgan_tf.networks.rewrites.half import in_precision
from srgan_tf.networks.rewrites.inference import optimize_for_inference
from srgan_tf.networks.saved import load_generator


def dtypes(model):
    return {layer.name: layer.compute_dtype for layer in model.layers}


def test_pixels_of_a_network_with_a_skip_stay_float32():
    found = dtypes(in_precision(compact(num_blocks=1, num_filters=8), "bfloat16"))
    assert found == {
        "lr": "float32",
        "head_conv": "float32",  # it sees the image alone
        "block1_conv1": "bfloat16",
        "block1_activation": "bfloat16",
        "block1_conv2": "bfloat16",
        "block1_add": "bfloat16",
        "tail_conv": "bfloat16",  # the detail that is added to the skip connection
        "bilinear": "float32",
        "sr": "float32",
    }


def test_the_last_convolution_of_a_network_without_a_skip_stays_float32():
    found = dtypes(optimize_for_inference(SHRUNK["rrdbnet"](), "float16"))
    assert found["sr"] == found["head_conv"] == "float32"
    assert found["trunk_conv"] == found["detail_conv"] == "float16"


def test_the_last_convolution_before_tanh():
    """tanh and what follows are float32; the error that rounding its argument makes is at most 0.21 grey levels."""
    found = dtypes(optimize_for_inference(srresnet(num_blocks=1, num_filters=8), "bfloat16"))
    assert found["tail_conv"] == found["trunk_conv"] == "bfloat16"
    assert found["head_conv"] == found["tanh"] == found["sr"] == "float32"
    x = np.linspace(-5, 5, 100_001, dtype=np.float32)
    rounded = keras.ops.cast(keras.ops.cast(x, "bfloat16"), "float32")
    assert 255 / 2 * np.abs(np.tanh(x) - np.tanh(rounded)).max() < 0.21


def test_float32_is_the_network_itself():
    model = compact(num_blocks=1, num_filters=8)
    assert in_precision(model, "float32") is model


@pytest.mark.parametrize("family", ["compact", "msrresnet", "srresnet"])
def test_the_receptive_field_is_that_of_the_float32_network(family):
    """Otherwise large images would be upscaled in blended tiles."""
    model = SHRUNK[family]()
    reach = receptive_field(optimize_for_inference(model))
    assert reach is not None
    assert receptive_field(optimize_for_inference(model, "bfloat16")) == reach


@pytest.mark.parametrize("precision", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_tiles_equal_the_whole(rng, precision):
    keras.utils.set_random_seed(0)
    upscaler = network_upscaler(optimize_for_inference(compact(num_blocks=1, num_filters=8), precision), "half")
    lr = rng.integers(0, 256, (41, 57, 3), dtype=np.uint8)
    assert_same_picture(TiledUpscaler(upscaler, 20).upscale(lr), upscaler.upscale(lr))


@pytest.mark.parametrize("precision", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("family", "tolerance"),
    # An untrained RRDBNet sums many branches into an output near zero, so that rounding weighs more.
    [("compact", 0.02), ("msrresnet", 0.02), ("wdsr", 0.03), pytest.param("rrdbnet", 0.2, marks=pytest.mark.slow)],
)
def test_every_family_runs_and_stays_near_float32(rng, family, tolerance, precision):
    keras.utils.set_random_seed(1)
    model = SHRUNK[family]()
    lr = rng.random((1, 17, 23, 3)).astype(np.float32)
    expected = optimize_for_inference(model)(lr).numpy()
    actual = optimize_for_inference(model, precision)(lr)
    assert actual.dtype == "float32"
    assert np.abs(actual.numpy() - expected).max() < tolerance * np.std(expected)


@pytest.mark.slow
def test_a_trained_network_moves_by_less_than_a_grey_level(rng):
    """Also in flat bright areas, where bfloat16 has steps of a whole grey level: pixels are not rounded to it."""
    model = load_generator("compact_x4")
    lr = np.full((1, 24, 24, 3), 251 / 255, np.float32)
    lr[:, :12] = rng.random((1, 12, 24, 3)) * 0.1 + 0.45
    expected = optimize_for_inference(model)(lr).numpy()
    error = 255 * (optimize_for_inference(model, "bfloat16")(lr).numpy() - expected)
    assert np.abs(error[:, 80:]).max() < 0.3
    assert np.sqrt(np.mean(error**2)) < 0.3
