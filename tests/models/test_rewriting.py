import numpy as np

from srgan_tf.models.rewriting import kernel_before_shuffle


def test_a_moved_kernel_by_hand():
    # One row, shuffle by 2 of the channels (a, b): a0 b0 a1 b1 ...; the kernel (10, 1, 100) makes of them, at the even
    # places, 10 b[-1] + a0 + 100 b0, and at the odd ones 10 a0 + b0 + 100 a[+1].
    kernel = np.zeros((1, 3, 1, 1))
    kernel[0, :, 0, 0] = [10, 1, 100]
    moved = kernel_before_shuffle(kernel, 2).numpy()
    assert moved.shape == (1, 3, 4, 4)
    # The channels of a shuffle by 2 are (upper left, upper right, lower left, lower right).
    np.testing.assert_array_equal(moved[0, :, :2, 0], [[0, 10], [1, 100], [0, 0]])
    np.testing.assert_array_equal(moved[0, :, :2, 1], [[0, 0], [10, 1], [100, 0]])
    np.testing.assert_array_equal(moved[0, :, 2:, :2], 0)  # a kernel of one row does not mix rows
