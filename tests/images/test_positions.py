import fractions
import math

import numpy as np
import pytest

from srgan_tf.images.positions import axis_positions, first_output, flipped, scaled_size


@pytest.mark.parametrize(("in_size", "out_size"), [(7, 7), (7, 19), (19, 7), (1, 5), (13, 35), (101, 272)])
def test_positions_equal_those_of_exact_fractions(in_size, out_size):
    positions = axis_positions(in_size, out_size)
    for output, (index, offset, step, number) in enumerate(positions):
        centre = fractions.Fraction(2 * output + 1, 2) * in_size / out_size  # in input pixels from the left border
        assert index == math.floor(centre)
        assert offset == np.float32(centre - math.floor(centre) - fractions.Fraction(1, 2))
        assert step == np.float32(in_size / out_size)
        assert number == output


@pytest.mark.parametrize(("in_size", "out_size"), [(7, 7), (7, 19), (13, 35), (101, 272), (5, 40)])
def test_first_output_splits_the_axis(in_size, out_size):
    index = axis_positions(in_size, out_size)[:, 0]
    assert [first_output(start, in_size, out_size) for start in range(in_size)] == np.searchsorted(
        index, np.arange(in_size)
    ).tolist()
    assert first_output(in_size, in_size, out_size) == out_size


def test_flipped_positions_are_those_of_the_flipped_axis():
    positions = axis_positions(7, 19)
    mirrored = flipped(positions, 7)
    np.testing.assert_array_equal(mirrored[:, :3], positions[:, :3])  # the centres are symmetric
    np.testing.assert_array_equal(mirrored[:, 3], np.arange(18, -1, -1))
    np.testing.assert_array_equal(flipped(positions[3:5], 7), mirrored[14:16])


def test_sizes_are_rounded_to_the_nearest_pixel():
    assert [scaled_size(10, factor) for factor in (1, 2.7, 2.74, 2.76, 0.01)] == [10, 27, 27, 28, 1]
