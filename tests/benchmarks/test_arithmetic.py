import tensorflow as tf

from benchmarks.arithmetic import forward_flops
from srgan_tf.networks.generators import srresnet


def test_convolutions_by_hand():
    # Five convolutions of 3x3 64 -> 64, the head, the upsamplers at one and two times the size, the tail at four times.
    # Norms, activations and sums are the half percent above them.
    pixels = 17 * 23
    convolutions = 2 * pixels * (5 * 9 * 64 * 64 + 81 * 3 * 64 + (1 + 4) * 9 * 64 * 256 + 16 * 81 * 64 * 3)
    assert convolutions < forward_flops(srresnet(num_blocks=2), tf.zeros((1, 17, 23, 3))) < 1.005 * convolutions
