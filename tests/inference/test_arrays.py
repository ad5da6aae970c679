import numpy as np
import pytest

from srgan_tf.errors import UserError
from srgan_tf.inference.arrays import ArrayUpscaler
from srgan_tf.inference.upscalers import BicubicUpscaler


@pytest.fixture
def bicubic():
    return ArrayUpscaler(BicubicUpscaler(4))


def test_dtypes(bicubic, rng):
    lr = rng.integers(100, 150, (7, 5, 3), np.uint8)  # no overshoot is clipped
    sr = bicubic.upscale(lr)
    assert (sr.shape, sr.dtype) == ((28, 20, 3), np.uint8)
    single, double = (bicubic.upscale((lr / 255).astype(dtype)) for dtype in (np.float32, np.float64))
    assert single.dtype == double.dtype == np.float32
    assert np.allclose(single, double, atol=1e-6)
    # imresize rounds uint8 after each of its two passes, as MATLAB does.
    assert np.abs(single * 255 - sr).max() < 1.5


def test_tiles_equal_the_whole_image(rng):
    lr = rng.integers(0, 256, (40, 33, 3), np.uint8)
    tiled, whole = (ArrayUpscaler(BicubicUpscaler(4), tile).upscale(lr) for tile in (16, 0))
    assert np.array_equal(tiled, whole)


@pytest.mark.parametrize(
    ("lr", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"shape \[height, width, 3\] \(received \[8, 8\]\)"),
        (np.zeros((0, 8, 3), np.uint8), r"received \[0, 8, 3\]"),
        (np.zeros((8, 8, 3), np.int32), "received int32"),
        (np.full((8, 8, 3), 255.0), r"in \[0, 1\] \(received 255 to 255\)"),
        (np.full((8, 8, 3), np.nan), r"in \[0, 1\] \(received nan to nan\)"),
    ],
)
def test_invalid_arrays_are_refused(bicubic, lr, message):
    with pytest.raises(UserError, match=message):
        bicubic.upscale(lr)
