import numpy as np

from srgan_tf.networks.ranker import ranker_network


def test_parameters():
    # 3x3 and 4x4 convolutions of 64, 128, 256, 512, 512 filters; norms on nine of the ten; dense 512-100-1.
    filters = (64, 128, 256, 512, 512)
    inputs = (3, 64, 128, 256, 512)
    convolutions = sum(9 * before * after + 16 * after * after for before, after in zip(inputs, filters, strict=True))
    norms = 4 * (2 * sum(filters) - 64)
    assert convolutions + 64 + norms + 512 * 100 + 100 + 100 + 1 == 13_737_161
    assert ranker_network().count_params() == 13_737_161


def test_one_score_a_picture_of_any_size(rng):
    ranker = ranker_network(num_filters=4)
    for shape in ((17, 23), (96, 96), (1, 1)):
        assert ranker(rng.random((3, *shape, 3), np.float32)).shape == (3, 1)
