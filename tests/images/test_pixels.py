import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.images import pixels


def test_float_and_back_keeps_every_level():
    levels = np.arange(256, dtype=np.uint8)
    as_float = pixels.to_float(levels)
    assert as_float.dtype == tf.float32
    assert float(as_float[0]) == 0.0
    assert float(as_float[255]) == 1.0
    np.testing.assert_array_equal(pixels.to_uint8(as_float), levels)


def test_float_has_the_same_bits_in_a_graph():
    levels = np.arange(256, dtype=np.uint8)
    as_float = pixels.to_float(levels)
    np.testing.assert_array_equal(tf.function(pixels.to_float)(levels), as_float)
    np.testing.assert_array_equal(levels * pixels.RECIPROCAL, as_float)
    np.testing.assert_allclose(as_float, levels / 255, rtol=1e-7)


def test_to_uint8_rounds_and_saturates():
    np.testing.assert_array_equal(pixels.to_uint8([0.9999 / 255, 99.6 / 255, -3.0, 7.0]), [1, 100, 0, 255])


def test_to_uint8_in_a_pipeline_equals_eager(rng):
    image = rng.random((5, 7, 3), np.float32) * 1.2 - 0.1
    (in_graph,) = tf.data.Dataset.from_tensors(image).map(pixels.to_uint8)
    np.testing.assert_array_equal(in_graph, pixels.to_uint8(image))


def test_luma_is_matlabs():
    # rgb2ycbcr: 16 + 65.481 R + 128.553 G + 24.966 B for R, G, B in [0, 1].
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]], np.uint8)
    luma = pixels.luma(colours)
    assert luma.dtype == tf.float64
    np.testing.assert_allclose(luma[:, 0], [81.481, 144.553, 40.966, 235.0, 16.0], rtol=1e-12)


def test_shave_removes_the_border():
    image = np.arange(5 * 6 * 1).reshape(5, 6, 1)
    np.testing.assert_array_equal(pixels.shave(image, 2)[..., 0], [[14, 15]])
    np.testing.assert_array_equal(pixels.shave(image, 0), image)
    with pytest.raises(ValueError, match="6x5"):
        pixels.shave(image, 3)


def test_modcrop_keeps_the_top_left():
    image = np.arange(17 * 23 * 3).reshape(17, 23, 3)
    np.testing.assert_array_equal(pixels.modcrop(image, 4), image[:16, :20])
    with pytest.raises(ValueError, match="23x3"):
        pixels.modcrop(image[:3], 4)
