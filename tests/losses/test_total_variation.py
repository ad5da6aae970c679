import numpy as np
import pytest

from srgan_tf.losses.total_variation import total_variation


def test_value_worked_by_hand():
    # Rows 0 1 3 / 2 2 2, one channel: vertical 2^2 + 1^2 + 1^2 over 3, horizontal 1 + 4 + 0 + 0 over 4, doubled.
    image = np.array([[0, 1, 3], [2, 2, 2]], np.float32)[np.newaxis, ..., np.newaxis]
    assert float(total_variation(image)) == pytest.approx(2 * (6 / 3 + 5 / 4))


def test_it_is_averaged_over_the_batch_and_channels():
    image = np.array([[0, 1, 3], [2, 2, 2]], np.float32)[np.newaxis, ..., np.newaxis]
    batch = np.concatenate([image, np.zeros_like(image)]).repeat(3, axis=-1)
    assert float(total_variation(batch)) == pytest.approx(6 / 3 + 5 / 4)
