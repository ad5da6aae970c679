"""Stand-ins for the undisclosed degradations of NTIRE 2018's realistic tracks.

The organisers published pairs, not the degradations: LR was blurred, decimated, noisy and shifted against HR, by one
setting for all pictures (mild, difficult) or one for each (wild). The chain here has the same steps with parameters of
our own choice. It exercises what the tracks ask for where their pictures are not at hand; a network trained on it is
not trained for the challenge's pictures, and scores on it are not the challenge's.

    blur         a lens (Gaussian) and straight motion (a line), in one kernel
    decimation   every `scale`-th pixel, no other low-pass filter
    noise        Poisson of the photons, Gaussian of the sensor, both independent for each channel
"""

import dataclasses
import math

import tensorflow as tf

from srgan_tf.data import blur

MARGIN = 6  # LR pixels that the borders of a picture affect: the radius of the kernel over the smallest scale

_SUBPIXEL = 0.5  # HR pixels, each way: what remains if whole pixels of a shift are removed, as `data.align` does


@dataclasses.dataclass(frozen=True)
class Camera:
    """Ranges of the parameters, uniform; both ends are equal for a fixed one.

    Attributes:
        lens: standard deviation of the Gaussian, in HR pixels over the scale.
        motion: length of the line, in HR pixels over the scale.
        angle: direction of the motion, radians.
        photons: number that white stands for; drawn uniformly in its logarithm.
        sensor: standard deviation of the Gaussian noise, gray levels.
    """

    lens: tuple[float, float]
    motion: tuple[float, float]
    angle: tuple[float, float]
    photons: tuple[float, float]
    sensor: tuple[float, float]


def _fixed(*values):
    return Camera(*((value, value) for value in values))


CAMERAS = {
    "mild": _fixed(0.4, 0.8, 0.6, 2000.0, 1.5),
    "difficult": _fixed(0.45, 1.5, 2.2, 500.0, 4.0),
    "wild": Camera((0.3, 0.5), (0.0, 1.6), (0.0, math.pi), (300.0, 4000.0), (0.5, 6.0)),
}


def photograph(hr, seed, *, scale, camera, shift=None):
    """Degrades a picture: blur, decimation and noise.

    Args:
        hr: float32 [height, width, 3] in [0, 1], sides multiples of `scale`.
        seed: int32 [2]; the same seed gives the same picture.
        scale: HR size over LR size. The kernel ends 10 HR pixels from its centre, which truncates it at x8.
        camera: key of `CAMERAS`.
        shift: (down, right), HR pixels of at most 2: the content of HR at `(y, x)` is in LR at `((y + down) / scale,
            (x + right) / scale)`. None draws it uniformly from half a pixel each way.

    Returns:
        float32 [height / scale, width / scale, 3] in [0, 1], with 256 levels.
    """
    numbers = CAMERAS[camera]
    dice = tf.unstack(tf.random.stateless_uniform((7,), seed))
    ranges = (numbers.lens, numbers.motion, numbers.angle, [math.log(end) for end in numbers.photons], numbers.sensor)
    lens, motion, angle, log_photons, sensor = (
        low + (high - low) * throw for (low, high), throw in zip(ranges, dice[:5], strict=True)
    )
    if shift is None:
        shift = [_SUBPIXEL * (2.0 * throw - 1.0) for throw in dice[5:]]
    # LR pixels are centred between HR pixels if the scale is even: those taken here are half a pixel below.
    first = scale // 2
    offset = first - (scale - 1) / 2
    kernel = camera_kernel(scale * lens, scale * motion, angle, [part + offset for part in shift])
    lr = blur.blur(hr, kernel)[first::scale, first::scale]
    photons = tf.exp(log_photons)
    poisson_seed, gaussian_seed = (tf.random.fold_in(seed, index) for index in (1, 2))
    expected = tf.clip_by_value(lr, 0.0, 1.0) * photons
    lr = tf.random.stateless_poisson(tf.shape(expected), poisson_seed, expected, tf.float32) / photons
    lr += sensor / 255.0 * tf.random.stateless_normal(tf.shape(lr), gaussian_seed)
    lr = tf.round(tf.clip_by_value(lr, 0.0, 1.0) * 255.0) / 255.0
    return tf.ensure_shape(lr, (None, None, 3))


def camera_kernel(lens, motion, angle, shift):
    """The kernel of a Gaussian lens and a straight motion, moved by a fraction of a pixel.

    The integral of a Gaussian along a line is a difference of error functions along it and a Gaussian across it. Motion
    is at least 0.01 pixels, which is as good as none.

    Args:
        lens: standard deviation of the Gaussian, pixels; all arguments are scalars, numbers or tensors.
        motion: length of the line, pixels.
        angle: direction of the line from the horizontal, radians.
        shift: (down, right), pixels by which convolution with the kernel moves a picture.

    Returns:
        float32 [21, 21] with the sum 1.
    """
    steps = tf.range(-blur.MAX_RADIUS, blur.MAX_RADIUS + 1, dtype=tf.float32)
    x, y = tf.meshgrid(steps - shift[1], steps - shift[0])
    along, across = x * tf.cos(angle) + y * tf.sin(angle), y * tf.cos(angle) - x * tf.sin(angle)
    half = tf.maximum(motion, 0.01) / 2
    ends = [tf.math.erf((along + end) / (math.sqrt(2) * lens)) for end in (half, -half)]
    kernel = (ends[0] - ends[1]) * tf.exp(-0.5 * tf.square(across / lens))
    return kernel / tf.reduce_sum(kernel)
