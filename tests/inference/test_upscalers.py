import numpy as np
import pytest
from support.samples import assert_same_picture

from srgan_tf.errors import WorkError
from srgan_tf.images import pixels
from srgan_tf.inference import upscalers
from srgan_tf.networks.generators import compact, srresnet


@pytest.fixture
def lr(rng):
    return rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)


def test_network(small_generator, lr):
    upscaler = upscalers.network_upscaler(small_generator, "small")
    expected = pixels.to_uint8(small_generator(pixels.to_float(lr)[np.newaxis]))[0]
    assert_same_picture(upscaler.upscale(lr), expected)
    assert upscaler.scale == 4


@pytest.mark.parametrize("scale", [2, 8])
def test_scale_of_the_network(lr, scale):
    upscaler = upscalers.network_upscaler(srresnet(scale=scale, num_blocks=1, num_filters=4), "network")
    assert upscaler.scale == scale
    assert upscaler.upscale(lr).shape == (17 * scale, 23 * scale, 3)


def test_memory_is_computed_from_the_network():
    # SRResNet: two feature maps of 64 channels at HR size, 16 * 64 floats per LR pixel each; times 2, plus 128 bytes
    # per HR pixel. The peak of the compact network is three images of 48 channels at LR size.
    memory = [upscalers.network_upscaler(make(), "").bytes_per_pixel for make in (srresnet, compact)]
    assert memory == [2 * 2 * 4 * 16 * 64 + 16 * 128, 2 * 3 * 4 * 48 + 16 * 128]


def test_later_weight_changes_take_effect(small_generator, lr):
    # The training loop creates its upscaler once.
    upscaler = upscalers.network_upscaler(small_generator, "small")
    before = upscaler.upscale(lr)
    small_generator.get_layer("tail_conv").bias.assign([0.5, 0.5, 0.5])
    assert (upscaler.upscale(lr) != before).any()


class Halved(upscalers.Wrapper):
    def upscale(self, lr):
        return self._upscaler.upscale(lr) // 2


def test_a_wrapper_has_the_attributes_of_the_inner_upscaler(small_generator, lr):
    inner = upscalers.network_upscaler(small_generator, "small")
    wrapper = Halved(Halved(inner))
    for name in ("name", "scale", "halo", "bytes_per_pixel"):
        assert getattr(wrapper, name) == getattr(inner, name)
    np.testing.assert_array_equal(wrapper.upscale(lr), inner.upscale(lr) // 2 // 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_output_that_is_not_finite_is_an_error(value, dtype):
    upscaler = upscalers.NetworkUpscaler(lambda lr: lr * [1.0, value, 1.0], name="a", scale=1, halo=0)
    with pytest.raises(WorkError, match="the output of the network 'a' is not finite: its weights are damaged"):
        upscaler.upscale(np.ones((3, 4, 3), dtype))
