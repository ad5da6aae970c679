import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.networks.discriminators import vgg_discriminator
from srgan_tf.networks.generators import GENERATORS
from srgan_tf.networks.geometry import receptive_field, scale_of
from srgan_tf.networks.srresnet import srresnet


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("srresnet", {"scale": 4, "num_blocks": 1}),
        ("srresnet", {"scale": 2, "num_blocks": 2, "head_kernel_size": 3, "tail_kernel_size": 3}),
        ("srresnet", {"scale": 3, "num_blocks": 1, "tail_kernel_size": 5}),
        ("rrdbnet", {"scale": 3, "num_blocks": 1, "growth_filters": 2, "residual_scale": 1.0}),
        ("compact", {"scale": 3, "num_blocks": 1}),
        ("srresnet", {"scale": 8, "num_blocks": 1, "output_activation": "linear", "bilinear_skip": True}),
        ("srresnet", {"scale": 4, "num_blocks": 1, "normalization": "none", "attention": "multiscale"}),
        ("rrdbnet", {"scale": 4, "num_blocks": 1, "growth_filters": 2, "residual_scale": 1.0}),
        ("compact", {"scale": 4, "num_blocks": 2}),
        ("wdsr", {"scale": 3, "num_blocks": 2}),
        ("srdensenet", {"scale": 4, "num_blocks": 2, "num_layers": 2, "growth_filters": 3}),
    ],
)
def test_receptive_field_equals_the_extent_of_the_gradient(name, options):
    keras.utils.set_random_seed(0)
    generator = GENERATORS[name](num_filters=4, **options)
    reach = receptive_field(generator)
    size = 2 * reach + 9
    lr = tf.random.stateless_uniform((1, size, size, 3), (0, 0))
    scale, centre = options["scale"], size // 2
    farthest = 0
    for row in range(scale * centre, scale * (centre + 1)):  # every SR pixel of one LR pixel
        with tf.GradientTape() as tape:
            tape.watch(lr)
            pixel = generator(lr)[0, row, scale * centre]
        touched = np.nonzero(np.abs(tape.gradient(pixel, lr)[0]).max(axis=(1, 2)))[0]
        farthest = max(farthest, centre - touched.min(), touched.max() - centre)
    assert reach - 1 <= farthest <= reach


def test_receptive_field_of_srresnet():
    # Head 4, 33 convolutions of 3x3, upsamplers 1 + 1/2, tail 4/4: 39.5.
    assert receptive_field(srresnet(num_filters=2)) == 40


@pytest.mark.parametrize("attention", ["channel", "self"])
def test_global_or_window_attention_has_no_finite_receptive_field(attention):
    assert receptive_field(srresnet(num_blocks=1, num_filters=4, attention=attention)) is None


def test_unknown_operations_give_none():
    image = keras.Input((None, None, 3))
    assert receptive_field(keras.Model(image, keras.layers.Softmax(axis=1)(image))) is None
    rows = keras.Input((None, 8, 3))
    for axis, reach in (([3], 0), (-1, 0), ([2, 3], None)):
        norm = keras.layers.LayerNormalization(axis=axis)
        assert receptive_field(keras.Model(rows, norm(rows))) == reach


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_scale(scale):
    assert scale_of(srresnet(scale=scale, num_blocks=1, num_filters=2)) == scale


def test_other_networks_are_refused():
    image = keras.Input((None, None, 3))
    for model, message in (
        (vgg_discriminator(hr_patch_size=16, num_filters=2), r"expected \(None, None, None, 3\)"),
        (keras.Model(image, keras.layers.GlobalAveragePooling2D()(image)), "for an 8x8 image"),
    ):
        with pytest.raises(ValueError, match=message):
            scale_of(model)
