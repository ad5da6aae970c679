import keras
import numpy as np
import pytest
import tensorflow as tf
from support.samples import assert_same_picture

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.positions import axis_positions
from srgan_tf.images.resize import imresize
from srgan_tf.inference import tiled
from srgan_tf.inference.continuous import ContinuousUpscaler
from srgan_tf.inference.ensemble import EnsembleUpscaler
from srgan_tf.inference.loading import load_upscaler, upscaler_of
from srgan_tf.inference.refinement import BackProjectionUpscaler
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.networks.continuous import at_scale, continuous
from srgan_tf.networks.idm import LAYER, idm
from srgan_tf.networks.rewrites.inference import optimize_for_inference


@pytest.fixture(scope="module")
def generator():
    keras.utils.set_random_seed(0)
    generator = continuous(num_blocks=1, num_filters=8, basis=3, hidden=4)
    tail = generator.get_layer("coefficients_conv")
    tail.kernel.assign(60 * tail.kernel)  # a residual that is not lost in rounding
    return optimize_for_inference(generator)


@pytest.mark.parametrize("scale", [1, 2.7, 4, 6.3])
def test_a_whole_picture(generator, scale):
    lr = draw_picture(1, 13, 21)
    sr = ContinuousUpscaler(generator, "any", scale).upscale(lr)
    expected = np.clip(at_scale(generator, scale)(lr[np.newaxis] / np.float32(255))[0], 0, 1) * 255
    assert sr.shape == (round(13 * scale), round(21 * scale), 3)
    assert_same_picture(sr, np.rint(expected).astype(np.uint8))
    if scale > 1:
        assert np.abs(sr.astype(int) - imresize(lr, *sr.shape[:2])).max() > 5


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        (2.7, (37, 29)),
        pytest.param(3.3, (24, 61), marks=pytest.mark.slow),
        pytest.param(1.5, (41, 40), marks=pytest.mark.slow),
        (4, (33, 18)),
    ],
)
def test_tiles_equal_the_whole(generator, scale, size):
    upscaler = ContinuousUpscaler(generator, "any", scale)
    lr = draw_picture(2, *size)
    whole = upscaler.upscale(lr)
    for tile in (5, 13):
        assert_same_picture(TiledUpscaler(upscaler, tile).upscale(lr), whole)


def test_tiles_to_a_size_with_another_factor_for_each_axis(generator):
    upscaler = ContinuousUpscaler(generator, "any", 4)
    lr = draw_picture(2, 23, 31)
    whole = upscaler.sample(lr, axis_positions(23, 51), axis_positions(31, 100))
    in_tiles = TiledUpscaler(upscaler, 7)
    tiles = in_tiles.upscale(lr, in_tiles.plan(*lr.shape, (51, 100)))
    assert_same_picture(tiles, whole)


def test_tiles_of_bicubic_at_a_fractional_factor_equal_the_whole(rng):
    lr = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    whole = BicubicUpscaler(2.7).upscale(lr)
    np.testing.assert_array_equal(whole, imresize(lr, 46, 62))
    for tile in (3, 16):
        assert_same_picture(TiledUpscaler(BicubicUpscaler(2.7), tile).upscale(lr), whole)


def test_the_tiled_ensemble_equals_that_of_the_whole(generator):
    ensemble = EnsembleUpscaler(ContinuousUpscaler(generator, "any", 2.3))
    lr = draw_picture(3, 19, 26)
    whole = ensemble.upscale(lr)
    assert whole.shape == (44, 60, 3)
    np.testing.assert_array_equal(ensemble.upscale(np.rot90(lr)), np.rot90(whole))
    assert_same_picture(TiledUpscaler(ensemble, 6).upscale(lr), whole)


def test_out_of_memory_halves_a_tile(monkeypatch, caplog, generator):
    upscaler = ContinuousUpscaler(generator, "any", 2.7)
    lr = draw_picture(4, 40, 70)
    whole, sample = upscaler.upscale(lr), upscaler.sample

    def limited(lr, rows, columns):
        if len(rows) * len(columns) > 60 * 60:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return sample(lr, rows, columns)

    monkeypatch.setattr(upscaler, "sample", limited)
    assert_same_picture(TiledUpscaler(upscaler, 0).upscale(lr), whole)
    assert "going on with smaller tiles" in caplog.text
    monkeypatch.setattr(upscaler, "sample", lambda lr, *_: limited(lr, range(99), range(99)))
    with pytest.raises(WorkError, match="not enough memory for a tile"):
        TiledUpscaler(upscaler, 0).upscale(lr)


def test_tiles_are_smaller_for_a_larger_result(monkeypatch, generator):
    upscaler = ContinuousUpscaler(generator, "any", 4)
    monkeypatch.setattr(tiled, "_MOST_BYTES", 40 * 40 * upscaler.bytes_per_pixel)
    sizes, sample = [], upscaler.sample
    monkeypatch.setattr(upscaler, "sample", lambda lr, *grid: sizes.append(lr.shape[:2]) or sample(lr, *grid))
    lr = draw_picture(5, 64, 64)
    largest = []
    for size in ((256, 256), (512, 512)):
        sizes.clear()
        in_tiles = TiledUpscaler(upscaler)
        sr = in_tiles.upscale(lr, in_tiles.plan(*lr.shape, size))
        assert sr.shape == (*size, 3)
        largest.append(max(height * width for height, width in sizes))
    assert largest[0] <= 40 * 40
    assert largest[1] < 0.5 * largest[0]


def test_back_projection_needs_an_integer_factor(generator):
    lr = draw_picture(6, 24, 30)
    upscaler = BackProjectionUpscaler(ContinuousUpscaler(generator, "any", 3), 1)
    assert_same_picture(TiledUpscaler(upscaler, 12).upscale(lr), upscaler.upscale(lr))
    with pytest.raises(UserError, match=r"back-projection needs an integer factor \(received 2.5\)"):
        BackProjectionUpscaler(ContinuousUpscaler(generator, "any", 2.5), 1)


@pytest.mark.slow
def test_loading_at_a_factor(tmp_path, generator):
    file = tmp_path / "any.keras"
    continuous(num_blocks=1, num_filters=8).save(file)
    assert [load_upscaler(str(file), scale=scale).scale for scale in (None, 2, 2.7)] == [4, 2, 2.7]
    assert upscaler_of(generator, "any").scale == 4


@pytest.mark.slow
def test_tiles_of_a_diffusion_are_close_to_the_whole():
    keras.utils.set_random_seed(0)
    generator = idm(num_blocks=1, num_filters=4, basis=2, hidden=4, widths=(4, 6), decoder_hidden=4)
    tail = generator.get_layer(LAYER).tail
    tail.kernel.assign(keras.random.normal(tail.kernel.shape, stddev=0.3, seed=0))
    upscaler = upscaler_of(generator, "noisy", 2.7)
    assert upscaler.sampling == {"steps": 4, "seed": 0}
    lr = draw_picture(2, 70, 90)
    whole = upscaler.upscale(lr)
    for tile in (31, 48):
        assert_same_picture(TiledUpscaler(upscaler, tile).upscale(lr), whole)
    assert TiledUpscaler(upscaler).plan(70, 90, 3).equals_whole
    assert not TiledUpscaler(upscaler, 31).plan(70, 90, 3).equals_whole
