import itertools

import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data import degradations
from srgan_tf.data.degradations import light, realistic
from srgan_tf.data.pipeline import TrainingPictures, degrade_pairs, hr_crop_size, load_pairs
from srgan_tf.data.sources import open_source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.resize import imresize

OPTIONS = {"batch_size": 3, "hr_patch_size": 24, "scale": 4, "degradation": "realistic"}


@pytest.fixture(scope="module")
def degrade():
    signature = [tf.TensorSpec((None, None, 3)), tf.TensorSpec((2,), tf.int32)]
    return tf.function(lambda hr, seed: realistic(hr, seed, scale=4), input_signature=signature)


@pytest.fixture(scope="module")
def pairs():
    return load_pairs([open_source("synthetic", split="train", scale=4, synthetic_count=3, synthetic_size=96)])


@pytest.fixture(scope="module")
def picture():
    return draw_picture(0, 192, 160).astype(np.float32) / 255


@pytest.mark.slow
def test_many_seeds_give_different_pictures_of_256_levels(degrade, picture):
    results = [degrade(picture, (seed, 0)).numpy() for seed in range(15)]
    for lr in results:
        assert lr.shape == (48, 40, 3)
        assert lr.min() >= 0
        assert lr.max() <= 1
        np.testing.assert_allclose(lr * 255, np.rint(lr * 255), atol=1e-4)
    assert len({lr.tobytes() for lr in results}) == 15
    # All of it still shows the picture: closer to its LR than to another's.
    lr, other = (imresize(hr, 48, 40) for hr in (picture, draw_picture(1, 192, 160).astype(np.float32) / 255))
    for result in results:
        assert np.abs(result - lr).mean() < 0.8 * np.abs(result - other).mean()


@pytest.mark.slow
def test_lr_is_not_shifted_on_average(degrade, picture):
    """LR stays where HR is: of the mean over chains, no shift fits better than none, to a tenth of a pixel of LR."""
    mean = np.mean([degrade(picture, (seed, 1)).numpy() for seed in range(60)], axis=0)[6:-6, 6:-6]
    errors = {}
    for dy, dx in itertools.product(range(-2, 3), repeat=2):
        # A shift of one HR pixel is a quarter of an LR pixel.
        moved = imresize(np.roll(picture, (dy, dx), (0, 1)), 48, 40)[6:-6, 6:-6]
        errors[dy, dx] = np.mean((mean - moved) ** 2)
    best = min(errors, key=errors.get)
    assert best == (0, 0)
    for axis in ((1, 0), (0, 1)):
        low, middle, high = (errors[sign * axis[0], sign * axis[1]] for sign in (-1, 0, 1))
        lowest = (low - high) / (2 * (low - 2 * middle + high))  # of a parabola through the three, HR pixels
        assert abs(lowest) < 0.4


def test_the_same_seed_gives_the_same_picture_eager_and_in_a_graph(degrade, picture):
    eager = realistic(tf.constant(picture), (3, 4), scale=4)
    np.testing.assert_array_equal(degrade(picture, (3, 4)), degrade(picture, (3, 4)))
    # Compiled arithmetic may round otherwise before 256 levels are made of it.
    assert np.abs(eager - degrade(picture, (3, 4))).max() <= 2.01 / 255


@pytest.mark.parametrize(("scale", "size"), [(2, (34, 46)), (4, (20, 28)), (8, (72, 40))])
def test_other_scales_and_small_pictures(scale, size):
    lr = realistic(tf.constant(draw_picture(2, *size) / np.float32(255)), (5, 6), scale=scale)
    assert lr.shape == (size[0] // scale, size[1] // scale, 3)


@pytest.mark.slow
def test_ranges_of_the_random_numbers():
    dice = [degradations._Dice((seed, 7)) for seed in range(3000)]
    chosen = np.bincount([int(one.choice((0.2, 0.7, 0.1))) for one in dice], minlength=3) / 3000
    np.testing.assert_allclose(chosen, (0.2, 0.7, 0.1), atol=0.04)
    radii = np.bincount([int(degradations._radius(one)) for one in dice])
    assert (radii[:3] == 0).all()
    assert len(radii) == 11
    np.testing.assert_allclose(radii[3:] / 3000, 1 / 8, atol=0.03)
    assert np.mean([bool(one.chance(0.8)) for one in dice]) == pytest.approx(0.8, abs=0.04)
    uniform = [float(one.uniform(-2.0, 4.0)) for one in dice]
    assert np.mean(uniform) == pytest.approx(1, abs=0.2)
    assert min(uniform) >= -2
    assert max(uniform) <= 4


def test_gaussian_noise_is_gray_or_not():
    image = tf.zeros((50, 60, 3))
    colour, gray = (degradations._gaussian_noise(image, gray, (1, 2)).numpy() for gray in (False, True))
    assert colour.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(colour[..., 0].ravel(), colour[..., 1].ravel())[0, 1] == pytest.approx(0, abs=0.06)
    np.testing.assert_array_equal(gray[..., :1], gray[..., 1:2])


def test_poisson_noise_has_the_variance_of_the_photons_it_counts():
    # Two grey levels, 51 and 204: two photons stand for 1, so that the variance is the level / 2.
    image = tf.concat([tf.fill((100, 100, 3), 0.2), tf.fill((100, 100, 3), 0.8)], axis=0)
    noise = degradations._poisson_noise(image, False, (1, 2)).numpy()
    for half, level in ((noise[:100], 0.2), (noise[100:], 0.8)):
        assert half.mean() == pytest.approx(0, abs=0.02)
        assert half.var() == pytest.approx(level / 2, rel=0.05)
    assert degradations._poisson_noise(image, True, (1, 2)).shape == (200, 100, 1)


@pytest.mark.slow
def test_pipeline_gives_the_same_batches_from_any_step(pairs):
    pictures = TrainingPictures(pairs, **OPTIONS)
    whole = list(pictures.batches(0, 4, (5, 1)))
    assert len(whole) == 4
    for offset, (lr, hr) in enumerate(pictures.batches(2, 4, (5, 1))):
        np.testing.assert_array_equal(lr, whole[2 + offset][0])
        np.testing.assert_array_equal(hr, whole[2 + offset][1])
        assert lr.shape == (3, 6, 6, 3)
        assert hr.shape == (3, 24, 24, 3)
    other = next(iter(pictures.batches(0, 1, (6, 1))))
    assert (other[0].numpy() != whole[0][0].numpy()).any()


def test_lr_and_hr_patches_show_the_same_place(pairs, monkeypatch):
    """With a chain that is plain bicubic the patches are those of pairs made of the whole, away from the border."""

    def bicubic(hr, seed, *, scale):
        lr = tf.numpy_function(lambda hr: imresize(hr, hr.shape[0] // scale, hr.shape[1] // scale), [hr], tf.float64)
        return tf.ensure_shape(tf.cast(lr, tf.float32), (None, None, 3))

    monkeypatch.setitem(degradations.DEGRADATIONS, "realistic", degradations.Degradation(bicubic, 8))
    for lr, hr in TrainingPictures(pairs, **OPTIONS, augment=False).batches(0, 5, 1):
        for small, large in zip(lr.numpy(), hr.numpy(), strict=True):
            # Bicubic x4 reaches two LR pixels far. LR is rounded to whole levels.
            expected = np.clip(imresize(large.astype(float), 6, 6), 0, 255)
            np.testing.assert_allclose(small[2:-2, 2:-2], expected[2:-2, 2:-2], rtol=0, atol=0.501)


def test_a_margin_is_cut_around_patches():
    assert hr_crop_size(96, 4, "bicubic") == 96
    assert hr_crop_size(96, 4, "realistic") == 96 + 2 * 32


@pytest.mark.slow
def test_validation_pictures_are_degraded_whole_and_once(pairs):
    degraded = degrade_pairs(pairs, seed=3, scale=4, degradation="realistic")
    again = degrade_pairs(pairs, seed=3, scale=4, degradation="realistic")
    for pair, before, repeated in zip(degraded, pairs, again, strict=True):
        assert pair.lr.shape == before.lr.shape
        assert pair.lr.dtype == np.uint8
        assert (pair.lr != before.lr).any()
        np.testing.assert_array_equal(pair.lr, repeated.lr)
        np.testing.assert_array_equal(pair.hr, before.hr)
    assert degrade_pairs(pairs, seed=3, scale=4, degradation="bicubic") == list(pairs)


def test_light_keeps_more_than_the_full_degradation(rng):
    """PSNR against clean LR, mean over eight seeds: above 30 dB, and 5 dB above the full chain."""

    hr = np.tile(np.linspace(0, 255, 96), (96, 1)).astype(np.uint8)
    hr = np.stack([hr, hr.T, 255 - hr], axis=2)
    hr[40:56, 40:56] = (200, 40, 90)
    clean = imresize(hr, 24, 24) / 255.0
    scores = {"light": [], "full": []}
    for index in range(8):
        seed = tf.constant([3, index], tf.int32)
        for name, function in (("light", light), ("full", realistic)):
            lr = function(tf.constant(hr / 255.0, tf.float32), seed, scale=4).numpy()
            assert lr.shape == (24, 24, 3)
            np.testing.assert_allclose(lr * 255, np.rint(lr * 255), atol=1e-3)
            scores[name].append(-10 * np.log10(np.mean((lr - clean) ** 2)))
    assert np.mean(scores["light"]) > 30
    assert np.mean(scores["light"]) > np.mean(scores["full"]) + 5


@pytest.mark.slow
def test_clean_fraction_chooses_by_its_share():
    """With 1 every picture is the light one, with 0.25 about a quarter of forty."""

    hr = tf.random.stateless_uniform((32, 32, 3), (1, 2))
    same = 0
    for index in range(40):
        seed = tf.constant([5, index], tf.int32)
        expected = light(hr, seed, scale=4)
        np.testing.assert_array_equal(realistic(hr, seed, scale=4, clean_fraction=1.0), expected)
        same += int(np.array_equal(realistic(hr, seed, scale=4, clean_fraction=0.25), expected))
    assert 4 <= same <= 17  # within 2.7 standard deviations of 10
