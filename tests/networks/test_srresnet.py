import keras
import numpy as np
import pytest

from srgan_tf.config.presets import PRESETS
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.networks.srresnet import srresnet

MSRRESNET = PRESETS["msrgan_x4"]().generator


def msrresnet(**options):
    return srresnet(**{name: value for name, value in MSRRESNET.items() if name != "name"} | options)


@pytest.mark.parametrize(
    ("scale", "parameters"),
    [
        (4, 1_552_771),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((2, 1_404_995), (3, 1_589_635), (8, 1_700_547))),
    ],
)
def test_srresnet_has_the_papers_parameters(scale, parameters):
    # At x4 1,554,883 with a bias everywhere, less the 64 each of the 33 convolutions that batch norm follows.
    assert 1_554_883 - 33 * 64 == 1_552_771
    assert srresnet(scale=scale).count_params() == parameters


def test_msrresnet_has_basicsrs_parameters():
    assert msrresnet().count_params() == 1_517_571


def test_tanh_output_is_zero_to_one(rng, small_generator):
    for weight in small_generator.get_layer("tail_conv").weights:
        weight.assign(100.0 * rng.normal(size=weight.shape))
    sr = small_generator(rng.random((1, 9, 9, 3), np.float32)).numpy()
    assert sr.min() >= 0.0
    assert sr.max() <= 1.0
    assert sr.min() < 0.01
    assert sr.max() > 0.99  # the range is [0, 1], not tanh's half of it


def test_tanh_is_not_saturated_at_the_start():
    keras.utils.set_random_seed(0)
    lr = np.stack([draw_picture(index, 96, 96) for index in range(2)])[:, ::4, ::4] / np.float32(255)
    shares = []
    for gain in (1.0, 0.1):
        sr = srresnet(tail_init_gain=gain, num_blocks=4)(lr, training=True).numpy()
        shares.append(np.mean((sr < 0.05) | (sr > 0.95)))
    assert shares[0] > 0.3
    assert shares[1] < 0.02


def test_pixel_shuffle_keeps_neighbours_together():
    # With the trunk's work taken out, LR pixel (i, j) must fill SR pixels (2i..2i+1, 2j..2j+1) in row-major order.
    x = np.arange(2 * 3 * 4, dtype=np.float32).reshape(1, 2, 3, 4)
    shuffled = keras.ops.depth_to_space(x, 2).numpy()[0, ..., 0]
    for i in range(2):
        for j in range(3):
            np.testing.assert_array_equal(shuffled[2 * i : 2 * i + 2, 2 * j : 2 * j + 2].ravel(), x[0, i, j])


def test_residual_blocks_add_their_input(rng, small_generator):
    # A block whose second norm is silenced is the identity.
    small_generator.get_layer("block1_norm2").gamma.assign(np.zeros(8))
    inner = keras.Model(
        small_generator.input,
        [small_generator.get_layer(name).output for name in ("head_activation", "block1_add")],
    )
    head, block = inner(rng.random((1, 5, 7, 3), np.float32))
    np.testing.assert_array_equal(head, block)


def test_batch_norm_uses_moving_statistics_at_inference(rng, small_generator):
    lr = rng.random((4, 8, 8, 3), np.float32)
    alone, together = small_generator(lr[:1]), small_generator(lr)
    np.testing.assert_allclose(alone, together[:1], atol=1e-6)
    before = small_generator.get_layer("block1_norm1").moving_mean.numpy().copy()
    small_generator(lr, training=True)
    assert np.abs(small_generator.get_layer("block1_norm1").moving_mean - before).max() > 0


@pytest.mark.parametrize(
    "wrong",
    [{"scale": 5}, {"num_blocks": 0}, {"activation": "gelu"}, {"bilinear_skip": True}, {"attention": "soft"}],
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        srresnet(**wrong)
