import math

import numpy as np
import pytest
from PIL import Image, ImageFilter

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.images.pictures import read_picture
from srgan_tf.metrics import niqe as module
from srgan_tf.metrics.niqe import load_niqe, niqe


@pytest.fixture
def published():
    try:
        return load_niqe()
    except UserError as error:
        pytest.skip(str(error))


def features_by_loops(block):
    """The 18 numbers of one normalised block, pixel by pixel."""

    def fit(values):
        negative, positive = [v for v in values if v < 0], [v for v in values if v > 0]
        left = math.sqrt(sum(v * v for v in negative) / len(negative))
        right = math.sqrt(sum(v * v for v in positive) / len(positive))
        ratio = left / right
        moments = (sum(map(abs, values)) / len(values)) ** 2 / (sum(v * v for v in values) / len(values))
        target = moments * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
        gamma = math.gamma
        shapes = [0.2 + 0.001 * step for step in range(9801)]
        shape = min(shapes, key=lambda a: (gamma(2 / a) ** 2 / (gamma(1 / a) * gamma(3 / a)) - target) ** 2)
        width = math.sqrt(gamma(1 / shape) / gamma(3 / shape))
        return shape, left * width, right * width

    size = len(block)
    shape, left, right = fit([v for row in block for v in row])
    numbers = [shape, (left + right) / 2]
    for down, across in ((0, 1), (1, 0), (1, 1), (1, -1)):
        products = [
            block[y][x] * block[(y - down) % size][(x - across) % size] for y in range(size) for x in range(size)
        ]
        shape, left, right = fit(products)
        numbers += [shape, (right - left) * math.gamma(2 / shape) / math.gamma(1 / shape), left, right]
    return numbers


def test_features_against_loops(rng):
    blocks = rng.normal(0.1, 1, (2, 12, 12))
    expected = [features_by_loops(block.tolist()) for block in blocks]
    np.testing.assert_allclose(module._features(blocks), expected, rtol=1e-9)


def test_normalised_luma_against_loops(rng):
    image = rng.random((9, 11)) * 255
    padded = np.pad(image, 3, mode="edge")
    offsets = np.arange(7) - 3
    window = np.exp(-(offsets[:, np.newaxis] ** 2 + offsets**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    expected = np.empty_like(image)
    for y in range(9):
        for x in range(11):
            patch = padded[y : y + 7, x : x + 7]
            mean = (window * patch).sum()
            expected[y, x] = (image[y, x] - mean) / (math.sqrt((window * (patch - mean) ** 2).sum()) + 1)
    np.testing.assert_allclose(module._normalize(image), expected, atol=1e-9)


def test_the_distance_by_hand(monkeypatch):
    # Two blocks of two features (1, 0) and (3, 0): mean (2, 0), covariance ((2, 0), (0, 0)).
    # Against the pristine mean (0, 1) and covariance ((2, 0), (0, 2)): the average covariance is ((2, 0), (0, 1)),
    # so the distance is sqrt(2**2 / 2 + 1**2 / 1) = sqrt(3).
    halves = iter([np.array([[1.0], [3.0]]), np.array([[0.0], [0.0]])])
    monkeypatch.setattr(module, "_features", lambda blocks: next(halves))
    picture = np.zeros((96, 192, 3), np.uint8)
    distance = niqe(picture, pristine_mean=np.array([0.0, 1.0]), pristine_covariance=np.diag([2.0, 2.0]))
    assert distance == pytest.approx(math.sqrt(3))


def test_matlabs_published_value(real_data, published):
    # BasicSR's documentation quotes MATLAB R2021a with the authors' release on baboon: 5.72957338.
    baboon = read_picture(real_data / "benchmark" / "Set14" / "HR" / "img_001.png")
    assert published(baboon) == pytest.approx(5.72957338, rel=1e-5)


@pytest.mark.parametrize(
    ("picture", "reference"),
    # BasicSR 1.4.2's `niqe` on the same rounded luma, run beside this code.
    [("Set5/HR/img_004", 8.35049), ("Set14/HR/img_006", 8.49300), ("Set14/HR/img_013", 5.44766)],
)
def test_images_with_flat_areas_against_basicsr(real_data, published, picture, reference):
    assert published(read_picture(real_data / "benchmark" / f"{picture}.png")) == pytest.approx(reference, rel=1e-3)


def test_more_blur_or_noise_gives_a_higher_score(real_data, published, rng):
    picture = Image.fromarray(read_picture(real_data / "benchmark" / "Set14" / "HR" / "img_012.png"))
    picture = picture.crop((0, 0, 512, 384))
    blurred = [published(np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)))) for radius in (1, 2, 3, 4)]
    assert blurred == sorted(blurred)
    noise = rng.normal(0, 1, np.asarray(picture).shape)
    noisy = [
        published(np.clip(np.rint(np.asarray(picture) + sigma * noise), 0, 255).astype(np.uint8))
        for sigma in (10, 20, 40, 80)
    ]
    assert noisy == sorted(noisy)


def test_small_or_flat_images_are_refused():
    parameters = {"pristine_mean": np.zeros(36), "pristine_covariance": np.eye(36)}
    with pytest.raises(ValueError, match=r"two blocks of 96 pixels\. Received: 191x95"):
        niqe(np.zeros((95, 191, 3), np.uint8), **parameters)
    with pytest.raises(ValueError, match="not flat"):
        niqe(np.full((192, 192, 3), 77, np.uint8), **parameters)


def test_flat_blocks_are_ignored():
    picture = draw_picture(0, 192, 288)
    picture[:96, :96] = 40
    score = niqe(picture, pristine_mean=np.zeros(36), pristine_covariance=np.eye(36))
    assert math.isfinite(score)
