import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest

from srgan_tf.data.synthetic import draw_picture


@pytest.mark.parametrize("size", [(17, 23), (1, 1), (64, 48)])
def test_any_size(size):
    picture = draw_picture(3, *size)
    assert picture.shape == (*size, 3)
    assert picture.dtype == np.uint8


def test_each_seed_gives_its_own_picture():
    np.testing.assert_array_equal(draw_picture([0, 1], 64, 64), draw_picture([0, 1], 64, 64))
    assert (draw_picture([0, 1], 64, 64) != draw_picture([0, 2], 64, 64)).mean() > 0.5


def test_the_same_in_another_process():
    code = (
        "import hashlib; from srgan_tf.data.synthetic import draw_picture\n"
        "print(hashlib.md5(draw_picture(7, 96, 80)).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.md5(draw_picture(7, 96, 80)).hexdigest()


def test_it_has_the_spectrum_of_natural_pictures():
    # Photographs' power falls as frequency^-2, give or take (Field 1987); noise has 0, a smooth ramp far below -3.
    slopes = []
    for seed in range(8):
        grey = draw_picture(seed, 256, 256).mean(axis=-1)
        window = np.outer(np.hanning(256), np.hanning(256))
        power = np.abs(np.fft.fft2((grey - grey.mean()) * window)) ** 2
        frequency = np.hypot(np.fft.fftfreq(256)[:, np.newaxis], np.fft.fftfreq(256))
        edges = np.geomspace(4 / 256, 0.4, 12)
        bands = [(frequency >= low) & (frequency < high) for low, high in itertools.pairwise(edges)]
        centres = np.sqrt(edges[:-1] * edges[1:])
        slopes.append(np.polyfit(np.log(centres), np.log([power[band].mean() for band in bands]), 1)[0])
    assert -3.2 < np.mean(slopes) < -1.5


def test_colours_use_the_range():
    pictures = np.stack([draw_picture(seed, 128, 128) for seed in range(4)])
    assert pictures.min() < 20
    assert pictures.max() > 235
    assert 80 < pictures.mean() < 175
    assert pictures.std(axis=-1).mean() > 5  # not gray
