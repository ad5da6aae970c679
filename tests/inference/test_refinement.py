import numpy as np
import pytest

from srgan_tf.images.resize import imresize, resize_stripes
from srgan_tf.inference.refinement import BackProjectionUpscaler, RepeatedUpscaler
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import BicubicUpscaler


class Tinted:
    """An upscaler with a colour shift, as GANs have."""

    name, scale, halo, bytes_per_pixel = "tinted", 4, 2, 1

    def upscale(self, lr):
        return BicubicUpscaler(4).upscale(lr) * np.float32(0.9) + np.float32(0.03)


@pytest.fixture
def lr(rng):
    return imresize(rng.uniform(0.2, 0.8, (9, 8, 3)), 36, 31).clip(0, 1).astype(np.float32)


def test_back_projection_restores_the_lr(lr):
    errors = [
        np.abs(imresize(BackProjectionUpscaler(Tinted(), steps).upscale(lr), *lr.shape[:2]) - lr).mean()
        for steps in (0, 1, 3)
    ]
    assert errors[0] > 0.01
    assert errors[1] < errors[0] / 5
    assert errors[2] < errors[1] / 5


def test_back_projection_rounds_uint8_once(lr):
    levels = np.rint(lr * 255).astype(np.uint8)
    upscaler = BackProjectionUpscaler(Tinted(), 2)
    expected = np.rint(upscaler.upscale(levels / np.float32(255)) * 255)
    np.testing.assert_array_equal(upscaler.upscale(levels), expected)


def test_repeated(lr):
    twice = RepeatedUpscaler(Tinted(), 2, Tinted())
    assert (twice.scale, twice.halo) == (16, 3)  # 2 + 2/4
    np.testing.assert_array_equal(twice.upscale(lr), Tinted().upscale(Tinted().upscale(lr)))


def test_later_passes_may_use_another_upscaler(lr):
    sizes = []

    class Watched(Tinted):
        def upscale(self, lr):
            sizes.append(lr.shape[:2])
            return super().upscale(lr)

    upscaler = Tinted()
    thrice = RepeatedUpscaler(upscaler, 3, Watched())
    assert thrice.upscale(lr[:3, :2]).shape == (192, 128, 3)
    assert sizes == [(12, 8), (48, 32)]


@pytest.mark.parametrize("wrapped", [BackProjectionUpscaler(Tinted(), 2), RepeatedUpscaler(Tinted(), 2, Tinted())])
def test_tiles_equal_the_whole(lr, wrapped):
    whole = wrapped.upscale(lr)
    assert wrapped.halo < 14
    for tile in (3, 8):
        np.testing.assert_allclose(TiledUpscaler(wrapped, tile).upscale(lr), whole, rtol=0, atol=1e-7)


@pytest.mark.parametrize("size", [(23, 17), (47, 70), (100, 31), (1, 1), (94, 93)])
@pytest.mark.parametrize("rows", [1, 5, 16, 47])
def test_resizing_in_stripes_equals_the_whole(rng, size, rows):
    image = rng.random((47, 31, 3), np.float32)
    stripes = (image[start : start + rows] for start in range(0, 47, rows))
    resized = list(resize_stripes(stripes, 47, *size))
    np.testing.assert_allclose(np.concatenate(resized), imresize(image, *size), rtol=1e-12)


def test_memory_of_repeated_upscaling():
    later = TiledUpscaler(Tinted())
    assert RepeatedUpscaler(Tinted(), 3, later).bytes_per_pixel == 1 + 24 * 64**2
