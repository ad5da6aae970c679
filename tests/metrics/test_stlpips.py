import numpy as np
import pytest

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.metrics.stlpips import load_stlpips


@pytest.fixture(scope="module")
def stlpips():
    try:
        return load_stlpips()
    except UserError as error:
        pytest.skip(str(error))


def test_against_the_authors_own_code(stlpips):
    # Run beside this code with PyTorch 2.13: 0.09404003620147705.
    hr = draw_picture(0, 67, 93)
    sr = np.roll(hr, 2, 1) // 2 + hr // 2
    assert (hr.sum(), sr.sum()) == (2231103, 2222146)
    assert stlpips(hr, sr) == pytest.approx(0.094040, abs=1e-5)


def test_distance_of_equal_images_is_zero(stlpips):
    picture = draw_picture(1, 40, 33)
    assert stlpips(picture, picture) == 0


def test_a_shift_by_a_pixel_changes_little(stlpips, rng):
    picture = draw_picture(2, 128, 128)
    shifted = stlpips(picture[:, 1:], picture[:, :-1])
    blurred = stlpips(picture[:, 1:], (picture[:, 1:] // 2 + picture[:, :-1] // 2))
    noisy = stlpips(picture, np.clip(picture + rng.normal(0, 20, picture.shape), 0, 255).astype(np.uint8))
    assert shifted < noisy / 3
    assert shifted < 2 * blurred


def test_small_images_are_refused(stlpips):
    with pytest.raises(ValueError, match=r"at least 32 pixels a side\. Received: 31x40"):
        stlpips(np.zeros((40, 31, 3), np.uint8), np.zeros((40, 31, 3), np.uint8))
