import numpy as np
import pytest

from srgan_tf.inference.ensemble import EnsembleUpscaler
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.metrics import fidelity


class Recording:
    """Repeats pixels and adds a ramp to the right, so that every position gives another result."""

    name = "recording"
    scale = 2
    halo = 0
    bytes_per_pixel = 1

    def __init__(self, dtype=np.uint8):
        self.seen = []
        self.dtype = dtype

    def upscale(self, lr):
        self.seen.append(lr)
        sr = np.repeat(np.repeat(lr, 2, 0), 2, 1)
        return (sr + np.arange(sr.shape[1])[:, np.newaxis]).astype(self.dtype)


def test_mean_over_eight_positions_by_hand(rng):
    lr = rng.integers(0, 200, (3, 5, 3), dtype=np.uint8)
    recording = Recording()
    sr = EnsembleUpscaler(recording).upscale(lr)
    assert len({picture.tobytes() for picture in recording.seen}) == 8
    assert sorted(picture.shape for picture in recording.seen) == [(3, 5, 3)] * 4 + [(5, 3, 3)] * 4
    # The ramps 0..9 across and 0..5 down, each there and back, two mirrorings each: (9 + 5) / 2 / 2 on the average.
    expected = np.repeat(np.repeat(lr, 2, 0), 2, 1).astype(float) + (2 * 9 + 2 * 5) / 8
    np.testing.assert_array_equal(sr, np.rint(expected))
    assert sr.dtype == np.uint8


@pytest.mark.parametrize("dtype", [np.float32, np.uint16])
def test_the_dtype_is_kept(dtype, rng):
    lr = rng.integers(0, 200, (3, 5, 3)).astype(dtype)
    sr = EnsembleUpscaler(Recording(dtype)).upscale(lr)
    assert sr.dtype == dtype
    np.testing.assert_allclose(sr, np.repeat(np.repeat(lr, 2, 0), 2, 1) + 3.5, atol=0.5)


def test_bicubic_commutes_with_rotations(rng):
    lr = rng.integers(80, 176, (17, 23, 3), dtype=np.uint8)  # overshoots saturate at neither end
    upscaler = EnsembleUpscaler(BicubicUpscaler(4))
    assert (upscaler.name, upscaler.scale) == ("bicubic+", 4)
    # But for the rounding in between: bicubic resizes the height first.
    assert np.abs(upscaler.upscale(lr).astype(int) - BicubicUpscaler(4).upscale(lr)).max() <= 1


def test_averaging_removes_independent_errors(rng):
    hr = np.full((64, 64, 3), 100, np.uint8)

    class Noisy:
        name, scale, halo, bytes_per_pixel = "noisy", 1, 0, 1

        def upscale(self, lr):
            return np.clip(lr + rng.normal(0, 10, lr.shape), 0, 255).astype(np.uint8)

    gain = fidelity.psnr_rgb(hr, EnsembleUpscaler(Noisy()).upscale(hr)) - fidelity.psnr_rgb(hr, Noisy().upscale(hr))
    assert gain == pytest.approx(10 * np.log10(8), abs=0.3)
