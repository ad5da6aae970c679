import numpy as np
import tensorflow as tf

from srgan_tf.networks.compact import compact


def test_parameters():
    # Head 3*3*3*32 + 32, 8 blocks of two 3*3*32*32 + 32, tail 3*3*32*48 + 48.
    assert 896 + 8 * 2 * 9_248 + 13_872 == 162_736
    assert compact().count_params() == 162_736


def test_the_last_convolution_holds_each_pixels_4x4_square():
    # A tail that knows only its biases: channel 3 * (4 * row + column) + colour is that place of the square.
    generator = compact(num_blocks=1, num_filters=4)
    kernel, bias = generator.get_layer("tail_conv").weights
    kernel.assign(tf.zeros_like(kernel))
    bias.assign(np.arange(48))
    sr = generator(np.zeros((1, 2, 2, 3), np.float32)).numpy()[0]
    np.testing.assert_array_equal(sr[4:, :4], np.arange(48).reshape(4, 4, 3))
