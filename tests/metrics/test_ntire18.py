import numpy as np
import pytest
from support.samples import repetitions

from srgan_tf.data.camera import photograph
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.listing import list_pictures
from srgan_tf.images.pictures import read_picture
from srgan_tf.images.pixels import modcrop
from srgan_tf.images.resize import imresize
from srgan_tf.metrics.ntire18 import psnr_ntire18, psnr_ntire18_x8, ssim_ntire18


def plain(hr, sr, scale, ssim_reach):
    """The organisers' loops over all shifts, written down one after the other, with scikit-image's SSIM.

    SSIM takes a millisecond, so it is computed up to `ssim_reach` pixels away alone.
    """
    metrics = pytest.importorskip("skimage.metrics")
    border = 6 + scale
    height, width = (side - side % scale for side in hr.shape[:2])
    hr, sr = (image[:height, :width][border:-border, border:-border] for image in (hr, sr))
    centre = [side // 2 for side in hr.shape[:2]]
    window = hr[centre[0] - 30 : centre[0] + 30, centre[1] - 30 : centre[1] + 30]
    best_psnr, best_ssim = 0.0, -1.0
    for dy in range(-40, 41):
        for dx in range(-40, 41):
            top, left = centre[0] - 30 + dy, centre[1] - 30 + dx
            shifted = sr[top : top + 60, left : left + 60]
            normalised = shifted * (window.mean() / shifted.mean())
            best_psnr = max(best_psnr, 10 * np.log10(255**2 / np.mean((window - normalised) ** 2)))
            if dx % 2 == 0 and dy % 2 == 0 and max(abs(dx), abs(dy)) <= ssim_reach:
                options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
                ssim = metrics.structural_similarity(window, shifted, channel_axis=2, **options)
                best_ssim = max(best_ssim, ssim)
    return best_psnr, best_ssim


@pytest.mark.parametrize("index", range(3))
def test_equals_the_plain_loops(index):
    hr = draw_picture(index, 211 + 8 * index, 190)
    sr = imresize(imresize(hr, hr.shape[0] // 4, hr.shape[1] // 4), *hr.shape[:2])
    sr = np.roll(sr, (index, -3), (0, 1))
    psnr, ssim = plain(hr, sr, 4, ssim_reach=8)  # the best shift is near 0
    assert psnr_ntire18(hr, sr, 4) == pytest.approx(psnr, abs=1e-6)
    assert ssim_ntire18(hr, sr, 4) == pytest.approx(ssim, abs=1e-6)


@pytest.mark.parametrize("index", repetitions(10))
def test_equals_the_plain_loops_on_photographs(real_data, index):
    """The stand-in for the mild track, upscaled by bicubic and moved by up to 12 pixels: all shifts of both scores."""
    hr = modcrop(read_picture(list_pictures(real_data / "benchmark" / "BSD100" / "HR")[10 * index]), 4)
    lr = photograph(hr / np.float32(255), (index, 0), scale=4, camera="mild").numpy()
    sr = np.rint(255 * imresize(lr, *hr.shape[:2]).clip(0, 1)).astype(np.uint8)
    sr = np.roll(sr, ((7 * index) % 25 - 12, (11 * index) % 25 - 12), (0, 1))
    psnr, ssim = plain(hr, sr, 4, ssim_reach=40)
    assert 10 < psnr < 45
    assert psnr_ntire18(hr, sr, 4) == pytest.approx(psnr, abs=1e-6)
    assert ssim_ntire18(hr, sr, 4) == pytest.approx(ssim, abs=1e-6)


def test_shift_and_brightness_cost_nothing():
    hr = draw_picture(4, 240, 240) // 2
    moved = np.roll(hr, (-7, 12), (0, 1))
    assert psnr_ntire18(hr, moved, 4) == np.inf
    # Twice as bright is the same picture to PSNR, not to SSIM.
    assert psnr_ntire18(hr, 2 * hr, 4) == np.inf
    assert ssim_ntire18(hr, 2 * hr, 4) < 0.95
    assert ssim_ntire18(hr, np.roll(hr, (-6, 12), (0, 1)), 4) == pytest.approx(1.0)
    assert ssim_ntire18(hr, np.roll(hr, (-7, 12), (0, 1)), 4) < 1.0  # an odd shift is not searched


def test_track_1_ignores_a_border_of_14_pixels():
    hr = np.full((64, 72, 3), 100, np.uint8)
    sr = hr + 10
    sr[14:-14, 14:-14] = 103
    assert psnr_ntire18_x8(hr, sr, 8) == pytest.approx(20 * np.log10(255 / 3))
    sr[14, 14] = 110  # one pixel of 36 x 44
    assert psnr_ntire18_x8(hr, sr, 8) == pytest.approx(10 * np.log10(255**2 / (9 + 91 / (36 * 44))))


def test_too_small():
    picture = draw_picture(0, 159, 200)
    with pytest.raises(ValueError, match="needs 160x160 pixels"):
        psnr_ntire18(picture, picture, 4)
