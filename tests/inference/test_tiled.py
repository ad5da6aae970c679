import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.samples import assert_same_picture

from srgan_tf.errors import WorkError
from srgan_tf.inference import tiled
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import BicubicUpscaler, network_upscaler
from srgan_tf.networks.generators import compact, rrdbnet, srresnet
from srgan_tf.networks.rewrites.inference import optimize_for_inference

# With AVX-512, oneDNN's convolutions sum in the same order at every size (except kernels of 5 and more with at most 32
# output channels, at some widths). Elsewhere the last bits of a float depend on the size, and so may a rounding.
EXACT = "avx512f" in pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else False

SIZES = [(61, 75), (17, 23), (1, 97), (64, 64), (83, 31), (50, 71), (33, 34), (67, 47), (2, 3), (45, 50)]


@pytest.mark.parametrize(
    "size", [pytest.param(size, marks=pytest.mark.slow) if size in SIZES[3:] else size for size in SIZES], ids=str
)
def test_tiles_equal_the_whole(fast_upscaler, rng, size):
    lr = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    lr_float = (lr / np.float32(255)).astype(np.float32)
    whole, whole_float = fast_upscaler.upscale(lr), fast_upscaler.upscale(lr_float)
    for tile in (fast_upscaler.halo + 1, 21, 64, max(size)):
        tiles = TiledUpscaler(fast_upscaler, tile)
        if EXACT:
            np.testing.assert_array_equal(tiles.upscale(lr), whole)
            np.testing.assert_array_max_ulp(tiles.upscale(lr_float), whole_float, maxulp=1)
        else:
            assert_same_picture(tiles.upscale(lr), whole)
            np.testing.assert_allclose(tiles.upscale(lr_float), whole_float, rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def fast_upscaler():
    keras.utils.set_random_seed(0)
    generator = optimize_for_inference(srresnet(num_blocks=1))
    return network_upscaler(generator, "fast")


@pytest.mark.parametrize("build", [srresnet, rrdbnet, compact])
def test_tiles_equal_the_whole_at_scale_3(build, rng):
    keras.utils.set_random_seed(0)
    upscaler = network_upscaler(optimize_for_inference(build(scale=3, num_blocks=1, num_filters=8)), "x3")
    lr = rng.integers(0, 256, (31, 44, 3), dtype=np.uint8)
    whole = upscaler.upscale(lr)
    assert whole.shape == (93, 132, 3)
    assert_same_picture(TiledUpscaler(upscaler, 20).upscale(lr), whole)


def test_tiles_of_bicubic_equal_the_whole(rng):
    lr = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    whole = BicubicUpscaler(4)
    for tile in (1, 3, 16):
        np.testing.assert_array_equal(TiledUpscaler(whole, tile).upscale(lr), whole.upscale(lr))


def test_tile_size_depends_on_memory(monkeypatch, fast_upscaler, rng):
    shapes = watch_shapes(monkeypatch, fast_upscaler)
    lr = rng.integers(0, 256, (120, 90, 3), dtype=np.uint8)
    upscaler = TiledUpscaler(fast_upscaler)
    upscaler.upscale(lr)
    assert shapes == [(120, 90, 3)]
    shapes.clear()
    monkeypatch.setattr(tiled, "_MOST_BYTES", 60 * 60 * fast_upscaler.bytes_per_pixel)
    upscaler.upscale(lr)
    assert len(set(shapes)) == 1  # one trace, one compilation
    assert shapes[0][0] * shapes[0][1] <= 60 * 60


def watch_shapes(monkeypatch, upscaler):
    shapes, upscale = [], upscaler.upscale

    def watched(lr):
        shapes.append(lr.shape)
        return upscale(lr)

    monkeypatch.setattr(upscaler, "upscale", watched)
    return shapes


@pytest.mark.slow
def test_out_of_memory_halves_the_tile(monkeypatch, caplog, fast_upscaler, rng):
    lr = rng.integers(0, 256, (150, 131, 3), dtype=np.uint8)
    expected = fast_upscaler.upscale(lr)
    upscale, sizes = fast_upscaler.upscale, []

    def limited(lr):
        sizes.append(lr.shape[:2])
        if lr.shape[0] * lr.shape[1] > 70 * 70:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return upscale(lr)

    monkeypatch.setattr(fast_upscaler, "upscale", limited)
    sr = TiledUpscaler(fast_upscaler, 100).upscale(lr)
    assert "going on with smaller tiles" in caplog.text
    assert_same_picture(sr, expected)
    refused = [size for size in sizes if size[0] * size[1] > 70 * 70]
    assert len(refused) == len(set(refused))  # no size is tried twice

    monkeypatch.setattr(fast_upscaler, "upscale", lambda lr: limited(np.zeros((99, 99, 3))))
    with pytest.raises(WorkError, match="not enough memory for a tile"):
        TiledUpscaler(fast_upscaler, 100).upscale(lr)


def test_tiles_are_blended_if_the_halo_is_unknown(rng):
    image = keras.Input((None, None, 3))
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(image)
    doubled = keras.layers.UpSampling2D(2, interpolation="nearest")(image) * 0.9 + mean * 0.1
    whole = network_upscaler(keras.Model(image, doubled), "global")
    assert whole.halo is None
    lr = np.tile(np.linspace(0, 1, 300, dtype=np.float32)[:, np.newaxis, np.newaxis], (1, 100, 3))
    tiles = TiledUpscaler(whole, 40)
    assert not tiles.exact
    sr = tiles.upscale(lr)
    assert 0.001 < np.abs(sr - whole.upscale(lr)).max() < 0.05  # the mean of a tile differs from that of the image
    assert np.abs(np.diff(sr, axis=0)).max() < 0.9 / 299 + 0.001  # but there is no seam
    levels = np.rint(lr * 255).astype(np.uint8)
    assert np.abs(tiles.upscale(levels) / 255.0 - sr).max() < 0.01


@pytest.mark.slow
def test_tiles_are_blended_if_the_halo_is_too_large(rng):
    keras.utils.set_random_seed(0)
    options = {"normalization": "none", "output_activation": "linear", "bilinear_skip": True, "init_gain": 0.1}
    generator = srresnet(scale=2, num_blocks=40, num_filters=8, head_kernel_size=3, tail_kernel_size=3, **options)
    whole = network_upscaler(generator, "deep")
    assert whole.halo == 84  # 1 + 2 * 40 + 1 + 1 + 1/2, bilinear 1
    tiles = TiledUpscaler(whole, 20)
    assert not tiles.exact
    lr = rng.random((180, 9, 3), np.float32)
    np.testing.assert_allclose(tiles.upscale(lr), whole.upscale(lr), rtol=0, atol=1e-4)


def watched(monkeypatch):
    """Bicubic x2 with memory for tiles of 40x40, its function, and the list of the shapes that it is called with."""
    shapes = []
    whole = BicubicUpscaler(2)
    upscale = whole.upscale
    monkeypatch.setattr(whole, "upscale", lambda lr: shapes.append(lr.shape) or upscale(lr))
    monkeypatch.setattr(tiled, "_MOST_BYTES", 40 * 40 * whole.bytes_per_pixel)
    return whole, upscale, shapes


@pytest.mark.parametrize("height", [50, 400])
def test_stripes_of_a_wide_image_are_bounded(monkeypatch, height):
    whole, upscale, shapes = watched(monkeypatch)
    monkeypatch.setattr(tiled, "_STRIPE_BYTES", 10 * 1000 * 4 * 4 * 3)  # ten LR rows
    lr = np.random.default_rng(0).random((height, 1000, 3), np.float32)
    stripes = list(TiledUpscaler(whole).stripes(lr))
    assert {len(stripe) for stripe in stripes} == {20}
    ((rows, columns, _),) = set(shapes)
    assert rows == 14  # a halo of 2 above and below
    assert 40 < columns <= 40 * 40 // 14
    np.testing.assert_allclose(np.concatenate(stripes), upscale(lr), rtol=0, atol=1e-6)


def test_tiles_of_a_narrow_image_are_high(monkeypatch, rng):
    whole, upscale, shapes = watched(monkeypatch)
    lr = rng.random((4000, 2, 3), np.float32)
    np.testing.assert_allclose(TiledUpscaler(whole).upscale(lr), upscale(lr), rtol=0, atol=1e-6)
    assert len(shapes) == 6  # 671 pixels high, halo included; squares of 36 would be 112 tiles
    assert max(shape[0] * shape[1] for shape in shapes) <= 40 * 40


def test_an_image_whose_rows_are_too_long_is_refused():
    lr = np.broadcast_to(np.float32(0), (1, 3_000_000, 3))
    with pytest.raises(WorkError, match="not enough memory for an image of 3000000x1 pixels: it is too wide"):
        TiledUpscaler(BicubicUpscaler(4)).stripes(lr)


def test_stripes_of_wide_blended_images_are_bounded(monkeypatch):
    shapes = []
    whole = BicubicUpscaler(2)
    upscale = whole.upscale
    monkeypatch.setattr(whole, "upscale", lambda lr: shapes.append(lr.shape) or upscale(lr))
    monkeypatch.setattr(whole, "halo", None)
    monkeypatch.setattr(tiled, "free_compute_memory", lambda: 200 * 200 * whole.bytes_per_pixel)
    monkeypatch.setattr(tiled, "_BLENDED_STRIPE_BYTES", 100 * 1000 * 4 * 4 * 3)  # a hundred LR rows
    lr = np.random.default_rng(0).random((300, 1000, 3), np.float32)
    stripes = list(TiledUpscaler(whole).stripes(lr))
    assert max(shape[0] for shape in shapes) <= 100
    assert max(shape[0] * shape[1] for shape in shapes) <= 200 * 200 / 2
    np.testing.assert_allclose(np.concatenate(stripes), upscale(lr), rtol=0, atol=1e-5)


def test_a_tile_size_that_exceeds_the_memory_is_reduced(monkeypatch, caplog, rng):
    shapes = []
    whole = BicubicUpscaler(2)
    upscale = whole.upscale
    monkeypatch.setattr(whole, "upscale", lambda lr: shapes.append(lr.shape) or upscale(lr))
    monkeypatch.setattr(tiled, "free_compute_memory", lambda: 60 * 60 * whole.bytes_per_pixel)
    lr = rng.random((90, 90, 3), np.float32)
    np.testing.assert_allclose(TiledUpscaler(whole, 0).upscale(lr), upscale(lr), rtol=0, atol=1e-6)
    assert max(shape[0] * shape[1] for shape in shapes) <= 60 * 60 / 4
    assert "not enough memory for tiles of 90x90 pixels: using smaller ones" in caplog.text


def test_a_blended_tile_that_exceeds_the_memory_is_refused(monkeypatch):
    whole = BicubicUpscaler(2)
    whole.halo = None
    for name in ("free_memory", "free_compute_memory"):
        monkeypatch.setattr(tiled, name, lambda: 90 * 90 * 3 * 4 * 8 - 1)
    with pytest.raises(WorkError, match="not enough memory for tiles of 90x90 pixels"):
        TiledUpscaler(whole, 0).upscale(np.zeros((90, 90, 3), np.float32))
