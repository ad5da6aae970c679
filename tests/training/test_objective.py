from dataclasses import replace

import pytest
import tensorflow as tf

from srgan_tf.config.presets import load_preset
from srgan_tf.config.sections import Diffusion, Gan, Perceptual, Pretrain
from srgan_tf.losses.dists import DISTS_LAYERS
from srgan_tf.training.objective import (
    LossInputs,
    diffusion_terms,
    evaluate_terms,
    gan_terms,
    perceptual_function,
    pretrain_terms,
)


@pytest.fixture
def outputs():
    # Errors of 0.1 everywhere; logits of zero.
    return LossInputs(tf.zeros((2, 8, 8, 3)), tf.fill((2, 8, 8, 3), 0.1), tf.zeros((2, 1)), tf.zeros((2, 1)))


def test_pretrain_loss(outputs):
    for loss, value in (("mse", 0.01), ("l1", 0.1)):
        total, values = evaluate_terms(pretrain_terms(Pretrain(loss=loss)), outputs)
        assert float(total) == pytest.approx(value)
        assert values.keys() == {"pixel"}


def test_ssim_is_added_to_the_pixel_loss_of_either_phase():
    # Flat images of 0 and 0.1: SSIM is C1 / (0.01 + C1), C1 = 1e-4.
    outputs = LossInputs(tf.zeros((2, 16, 16, 3)), tf.fill((2, 16, 16, 3), 0.1))
    expected = 1 - 1e-4 / (0.01 + 1e-4)
    total, values = evaluate_terms(pretrain_terms(Pretrain(loss="l1", ssim_weight=2.0)), outputs)
    assert float(values["ssim"]) == pytest.approx(expected, rel=1e-4)
    assert float(total) == pytest.approx(0.1 + 2 * expected, rel=1e-4)
    gan = Gan(
        adversarial_weight=0.0, perceptual_weight=0.0, total_variation_weight=0.0, pixel_weight=1.0, ssim_weight=3.0
    )
    total, values = evaluate_terms(gan_terms(gan), outputs)
    assert values.keys() == {"pixel", "ssim"}
    assert float(total) == pytest.approx(0.01 + 3 * expected, rel=1e-4)


def test_total_is_the_weighted_sum_and_values_are_unweighted(outputs):
    gan = Gan(
        pixel="l1",
        pixel_weight=2.0,
        perceptual_weight=3.0,
        perceptual=Perceptual(layers={"a": 5.0}, feature_scale=1.0),
        adversarial_weight=7.0,
        total_variation_weight=11.0,
    )
    total, values = evaluate_terms(gan_terms(gan, lambda image: {"a": 2.0 * image}), outputs)
    values = {name: float(value) for name, value in values.items()}
    assert values == pytest.approx(
        {"pixel": 0.1, "perceptual": 5 * 0.04, "adversarial": 0.6931472, "total_variation": 0.0}, rel=1e-5
    )
    assert float(total) == pytest.approx(2 * 0.1 + 3 * 0.2 + 7 * 0.6931472, rel=1e-5)


def test_terms_share_one_pass_of_the_feature_extractor(outputs):
    passes = []

    def features(image):
        passes.append(image)
        return dict.fromkeys(["a", *DISTS_LAYERS], 2.0 * image)

    gan = Gan(
        perceptual=Perceptual(layers={"a": 1.0}), dists_weight=0.5, adversarial_weight=0, total_variation_weight=0
    )
    terms = gan_terms(gan, features)
    total, values = evaluate_terms(terms, outputs)
    assert [image is outputs.hr for image in passes] == [True, False]
    assert float(total) == pytest.approx(float(values["perceptual"]) + 0.5 * float(values["dists"]))
    evaluate_terms(terms, outputs)  # the next step has other images
    assert len(passes) == 4


@pytest.mark.parametrize("phase", ["gan", "diffusion"])
def test_the_perceptual_loss_of_a_random_square(phase):
    rows, columns = tf.meshgrid(tf.range(20.0), tf.range(20.0), indexing="ij")
    hr = tf.repeat(tf.stack([rows, columns, rows], -1)[tf.newaxis], 2, axis=0)
    seen = []

    def features(image):
        seen.append(image.numpy())
        return {"block5_conv4": image}

    gan = Gan(perceptual=Perceptual(crop_size=16), adversarial_weight=0.0, total_variation_weight=0.0)
    if phase == "gan":
        terms = gan_terms(gan, features)
    else:
        config = replace(load_preset("idm_tiny"), gan=replace(gan, steps=0), diffusion=Diffusion(perceptual_weight=1.0))
        terms = diffusion_terms(config, features)
    term = terms["perceptual"].function
    corners = set()
    for corner in ([0.0, 0.0], [0.25, 0.7], [0.999, 0.999]):
        term(LossInputs(hr, hr + 100.0, corner=tf.constant(corner)))
        one, other = seen[-2:]
        assert one.shape == other.shape == (2, 16, 16, 3)
        assert abs(one - other).min() == 100.0
        darker = min(one, other, key=lambda image: image.sum())
        corners.add(tuple(darker[0, 0, 0, :2]))
    assert corners == {(0.0, 0.0), (1.0, 3.0), (4.0, 4.0)}
    # Validation sees whole images.
    perceptual_function(gan.perceptual, features)(LossInputs(hr, hr))
    assert seen[-1].shape == (2, 20, 20, 3)


def test_terms_of_weight_zero_are_left_out():
    terms = gan_terms(Gan(perceptual_weight=0.0, total_variation_weight=0.0))
    assert terms.keys() == {"adversarial"}
