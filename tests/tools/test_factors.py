"""The picture of one detail at several factors."""

import numpy as np

from srgan_tf.images.comparison import nearest
from srgan_tf.images.resize import imresize
from tools import factors


class Nearest:
    """Repeats pixels."""

    def __init__(self, factor):
        self.factor = factor

    def upscale(self, picture):
        return nearest(picture, self.factor)


def test_a_crop_lies_around_its_point_and_inside_the_picture():
    picture = np.arange(40)[:, None, None] * np.ones((1, 60, 3))
    assert factors.crop_around(picture, (9, 20), 2, 10)[:, 0, 0].tolist() == list(range(14, 24))  # around row 19
    assert factors.crop_around(picture, (0, 20), 2, 10)[0, 0, 0] == 0
    assert factors.crop_around(picture, (19, 20), 2, 10)[-1, 0, 0] == 39


def test_bicubic_is_above_the_network_in_each_column(rng):
    lr = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    sheet = factors.draw_factors(lr, {2: Nearest(2), 3: Nearest(3)}, (12, 20), 40)
    caption = sheet.shape[0] - 2 * (40 + factors._MARGIN) - factors._MARGIN
    bicubic, network = (sheet[caption + place :][:40, :40] for place in (0, 40 + factors._MARGIN))
    assert np.array_equal(network, factors.crop_around(nearest(lr, 2), (12, 20), 2, 40))
    assert np.array_equal(bicubic, factors.crop_around(imresize(lr, 60, 80), (12, 20), 2, 40))
