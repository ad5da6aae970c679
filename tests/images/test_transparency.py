import numpy as np

from srgan_tf.images.transparency import spread_colour


def test_colour_is_the_mean_of_the_smallest_visible_block():
    colour = np.zeros((4, 4, 1), np.uint8)
    alpha = np.zeros((4, 4, 1), np.uint8)
    colour[0, 0], alpha[0, 0] = 200, 255
    colour[1, 1], alpha[1, 1] = 100, 255
    colour[3, 3], alpha[3, 3] = 40, 51  # counts a fifth
    spread = spread_colour(colour, alpha)[..., 0]
    # The upper left block of 2x2 has the mean of its two, the lower right the only one; the others see none and take
    # the mean of all: (200 + 100 + 0.2 * 40) / 2.2 = 140.
    expected = [[200, 150, 140, 140], [150, 100, 140, 140], [140, 140, 40, 40], [140, 140, 40, 40]]
    np.testing.assert_array_equal(spread, expected)


def test_visible_pixels_and_invisible_images_do_not_change(rng):
    colour = rng.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    for level in (0, 1, 65535):
        assert spread_colour(colour, np.full((5, 7, 1), level, np.uint16)) is colour
    alpha = rng.integers(0, 2, (5, 7, 1), dtype=np.uint16) * 300
    spread = spread_colour(colour, alpha)
    assert spread.dtype == np.uint16
    np.testing.assert_array_equal(spread[alpha[..., 0] > 0], colour[alpha[..., 0] > 0])
