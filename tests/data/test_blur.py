import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.blur import GAUSSIAN, GENERALIZED, PLATEAU, bell_kernel, blur, pulse_kernel, sinc_kernel


def reference_bell(family, radius, sigma_x, sigma_y, angle, beta):
    """The formulas with a covariance matrix, pixel by pixel."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T)
    kernel = np.zeros((21, 21))
    for row in range(-radius, radius + 1):
        for column in range(-radius, radius + 1):
            place = np.array([column, row])
            q = place @ inverse @ place
            kernel[row + 10, column + 10] = {
                GAUSSIAN: np.exp(-q / 2),
                GENERALIZED: np.exp(-(q**beta) / 2),
                PLATEAU: 1 / (1 + q**beta),
            }[family]
    return kernel / kernel.sum()


@pytest.mark.parametrize("family", [GAUSSIAN, GENERALIZED, PLATEAU])
@pytest.mark.parametrize("shape", [(10, 2.0, 2.0, 0.0, 0.6), (3, 3.0, 0.4, 0.7, 1.5), (5, 0.2, 0.2, 2.0, 4.0)])
def test_bell_shapes(family, shape):
    np.testing.assert_allclose(bell_kernel(family, *shape), reference_bell(family, *shape), atol=1e-6)


def test_a_gaussian_by_hand():
    kernel = bell_kernel(GAUSSIAN, 3, 1.0, 1.0, 0.0, 9.0).numpy()
    assert kernel[10, 11] / kernel[10, 10] == pytest.approx(np.exp(-0.5), abs=1e-6)
    assert kernel[11, 11] / kernel[10, 10] == pytest.approx(np.exp(-1), abs=1e-6)
    assert (kernel > 0).sum() == 49


def test_a_sinc_passes_low_frequencies_and_stops_high_ones():
    kernel = sinc_kernel(10, np.pi / 2).numpy()
    response = np.abs(np.fft.fft2(kernel, (64, 64)))
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert response[8, 0] == pytest.approx(1, abs=0.2)  # pi / 4
    assert response[24, 0] < 0.1  # 3 pi / 4
    assert kernel.min() < 0  # it rings
    # Its limit at the centre is cutoff^2 / (4 pi); its neighbour is cutoff J1(cutoff) / (2 pi), J1(pi / 2) = 0.566824.
    assert kernel[10, 11] / kernel[10, 10] == pytest.approx(2 * 0.566824 / (np.pi / 2), abs=1e-4)


def test_a_pulse_changes_nothing(rng):
    image = rng.random((17, 23, 3)).astype(np.float32)
    np.testing.assert_allclose(blur(image, pulse_kernel()), image, atol=1e-6)


@pytest.mark.parametrize("size", [(17, 23), (40, 11), (3, 2), (1, 5)])
def test_blur_is_a_convolution_of_the_mirrored_picture(rng, size):
    image = rng.random((*size, 3)).astype(np.float32)
    kernel = bell_kernel(GAUSSIAN, 10, 3.0, 1.5, 0.5, 1.0)
    padded = image  # numpy's "reflect" does one turn at a time for pads longer than the picture
    for axis in range(2):
        pad = [(0, 0)] * 3
        pad[axis] = (10, 10)
        padded = np.pad(padded, pad, "reflect")
    expected = tf.nn.depthwise_conv2d(
        padded[np.newaxis], tf.tile(kernel[..., np.newaxis, np.newaxis], (1, 1, 3, 1)), (1, 1, 1, 1), "VALID"
    )
    np.testing.assert_allclose(blur(image, kernel), expected[0], atol=1e-5)
