"""How LR pictures are made for training: the values of the setting `data.degradation`.

    bicubic      the LR of the source: given, or made from the whole HR picture as MATLAB does
    realistic    Real-ESRGAN's random degradation, drawn anew for each patch, for noisy, compressed photographs
    ntire-mild, ntire-difficult, ntire-wild
                 stand-ins for the realistic tracks of NTIRE 2018: blur, decimation, noise and a shift of at most half
                 an HR pixel, see `camera`

The LR of a source is made from the whole picture, so that it equals the published LR at every crop. The realistic
degradation has no such reference: it is random, and its authors apply it to crops.
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import tensorflow as tf

from srgan_tf.data import blur, camera

_JPEG_QUALITY = (30.0, 95.0)
_GRAY_NOISE = 0.4  # probability that noise is the same in all channels
_METHODS = ("area", "bilinear", "bicubic")
_CLEAN_SEED = 1_000_003  # folded into the seed of a patch, for the choice between `light` and the full degradation


@dataclasses.dataclass(frozen=True)
class _Round:
    """The parameters of one round of blur, resize, noise and JPEG."""

    blur_probability: float
    sigma: tuple[float, float]  # widths of the bell-shaped kernels, pixels
    resize_weights: tuple[float, float, float]  # up, down, keep
    resize_range: tuple[float, float]
    gaussian_sigma: tuple[float, float]  # gray levels
    poisson_scale: tuple[float, float]


# options/train_realesrgan_x4plus.yml of Real-ESRGAN
_FIRST = _Round(1.0, (0.2, 3.0), (0.2, 0.7, 0.1), (0.15, 1.5), (1.0, 30.0), (0.05, 3.0))
_SECOND = _Round(0.8, (0.2, 1.5), (0.3, 0.4, 0.3), (0.3, 1.2), (1.0, 25.0), (0.05, 2.5))
_SINC_PROBABILITY = 0.1
_FINAL_SINC_PROBABILITY = 0.8
# isotropic and anisotropic, for the Gaussian, the generalized and the plateau-shaped family
_BELL_WEIGHTS = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
_BETAS = ((1.0, 2.0), (0.5, 4.0))  # ranges for the plateau-shaped and the generalized family


def realistic(hr, seed, *, scale, clean_fraction=0.0):
    """Degrades a picture by Real-ESRGAN's second-order degradation (Wang et al. 2021) with its published settings.

    Two rounds of blur, random resize, noise and JPEG, then the resize to LR with a final sinc filter, before or after
    the second JPEG. All parameters are drawn anew for each picture.

    Deviations: JPEG is libjpeg's, with integer qualities, instead of a differentiable one; resizing keeps the corners
    of the picture in place for every factor, and its bicubic kernel has a = -0.5 instead of PyTorch's -0.75; neither
    inputs nor targets are sharpened (USM); there is no pool of pairs from earlier batches, since the parameters differ
    between the patches of a batch.

    Args:
        hr: float32 [height, width, 3] in [0, 1], sides multiples of `scale`.
        seed: int32 [2]; the same seed gives the same picture.
        scale: HR size over LR size.
        clean_fraction: share of pictures that `light` degrades instead, so that the network learns to keep the texture
            of good pictures (not in the published degradation).

    Returns:
        float32 [height / scale, width / scale, 3] in [0, 1], with 256 levels.
    """
    if not clean_fraction:
        return _second_order(hr, seed, scale)
    return tf.cond(
        tf.random.stateless_uniform((), tf.random.fold_in(seed, _CLEAN_SEED)) < clean_fraction,
        lambda: light(hr, seed, scale=scale),
        lambda: _second_order(hr, seed, scale),
    )


def light(hr, seed, *, scale):
    """Degrades a picture lightly, like a good photograph that was downscaled and saved.

    A third is bicubic downscaling alone, antialiased. The others are blurred by an isotropic Gaussian (sigma 0.2 to
    1.2 HR pixels) first and end as a JPEG of quality 70 to 97; half of those get Gaussian noise of 1 to 6 gray levels.

    Args:
        hr: float32 [height, width, 3] in [0, 1], sides multiples of `scale`.
        seed: int32 [2]; the same seed gives the same picture.
        scale: HR size over LR size.

    Returns:
        float32 [height / scale, width / scale, 3] in [0, 1], with 256 levels.
    """
    dice = _Dice(seed)
    sigma, quality, levels = dice.uniform(0.2, 1.2), dice.uniform(70.0, 97.0), dice.uniform(1.0, 6.0)
    saved, noisy = dice.chance(2 / 3), dice.chance(0.5)
    noise_seed = dice.seed()

    def resize(picture):
        lr = tf.image.resize(picture, tf.shape(picture)[:2] // scale, "bicubic", antialias=True)
        return tf.ensure_shape(lr, (None, None, 3))

    def save():
        gaussian = blur.bell_kernel(blur.GAUSSIAN, blur.MAX_RADIUS, sigma, sigma, 0.0, 1.0)
        lr = resize(blur.blur(hr, gaussian))
        noise = tf.where(noisy, levels / 255.0, 0.0) * tf.random.stateless_normal(tf.shape(lr), noise_seed)
        return _jpeg(lr + noise, quality)

    lr = tf.cond(saved, save, lambda: resize(hr))
    return tf.round(tf.clip_by_value(lr, 0.0, 1.0) * 255.0) / 255.0


def _second_order(hr, seed, scale):
    """Real-ESRGAN's degradation."""
    dice = _Dice(seed)
    hr_size = tf.shape(hr)[:2]
    lr_size = hr_size // scale
    image = _one_round(dice, _FIRST, hr, hr_size)
    image = _jpeg(image, dice.uniform(*_JPEG_QUALITY))
    image = _one_round(dice, _SECOND, image, lr_size)

    sinc = blur.sinc_kernel(_radius(dice), dice.uniform(math.pi / 3, math.pi))
    kernel = tf.where(dice.chance(_FINAL_SINC_PROBABILITY), sinc, blur.pulse_kernel())
    method, quality = dice.integer(0, len(_METHODS)), dice.uniform(*_JPEG_QUALITY)

    def finish(picture):
        return blur.blur(_resize(picture, lr_size, method), kernel)

    image = tf.cond(dice.chance(0.5), lambda: _jpeg(finish(image), quality), lambda: finish(_jpeg(image, quality)))
    return tf.round(tf.clip_by_value(image, 0.0, 1.0) * 255.0) / 255.0


@dataclasses.dataclass(frozen=True)
class Degradation:
    """A way to make the LR of training pictures.

    Attributes:
        make_lr: function like `realistic`, from `(hr, seed, scale=...)` to LR; None keeps the LR of the source.
        lr_margin: LR pixels around a patch that are degraded with it and then removed, against border effects.
    """

    make_lr: Callable | None
    lr_margin: int

    @property
    def keeps_source_lr(self):
        """True if the LR of the source is used unchanged."""
        return self.make_lr is None


DEGRADATIONS = {
    "bicubic": Degradation(None, lr_margin=0),
    "realistic": Degradation(realistic, lr_margin=8),
    **{
        f"ntire-{name}": Degradation(functools.partial(camera.photograph, camera=name), camera.MARGIN)
        for name in camera.CAMERAS
    },
}


class _Dice:
    """Random scalars from one seed, in sequence, and derived seeds."""

    _THROWS = 64

    def __init__(self, seed):
        self._seed = seed
        self._throws = iter(tf.unstack(tf.random.stateless_uniform((self._THROWS,), seed)))
        self._seeds = 0

    def uniform(self, low, high):
        return low + (high - low) * next(self._throws)

    def chance(self, probability):
        return next(self._throws) < probability

    def integer(self, low, high):
        """An integer from `low` to `high - 1`."""
        return tf.cast(tf.floor(self.uniform(float(low), float(high))), tf.int32)

    def choice(self, weights):
        """An index, drawn with the given probabilities."""
        ends = tf.cumsum(tf.constant(weights[:-1]))
        return tf.reduce_sum(tf.cast(next(self._throws) >= ends, tf.int32))

    def seed(self):
        self._seeds += 1
        return tf.random.fold_in(self._seed, self._seeds)


def _one_round(dice, numbers, image, size):
    """Blur, resize to about `size` and noise."""
    kernel = tf.where(dice.chance(numbers.blur_probability), _blur_kernel(dice, numbers), blur.pulse_kernel())
    image = blur.blur(image, kernel)
    low, high = numbers.resize_range
    factors = tf.stack([dice.uniform(1.0, high), dice.uniform(low, 1.0), 1.0])
    factor = factors[dice.choice(numbers.resize_weights)]
    size = tf.maximum(tf.cast(tf.cast(size, tf.float32) * factor, tf.int32), 1)
    image = _resize(image, size, dice.integer(0, len(_METHODS)))
    gray = dice.chance(_GRAY_NOISE)
    sigma, poisson_scale = dice.uniform(*numbers.gaussian_sigma) / 255.0, dice.uniform(*numbers.poisson_scale)
    gaussian_seed, poisson_seed = dice.seed(), dice.seed()
    noise = tf.cond(
        dice.chance(0.5),
        lambda: sigma * _gaussian_noise(image, gray, gaussian_seed),
        lambda: poisson_scale * _poisson_noise(image, gray, poisson_seed),
    )
    return tf.clip_by_value(image + noise, 0.0, 1.0)


def _blur_kernel(dice, numbers):
    radius = _radius(dice)
    # A small kernel truncates a sinc of low cutoff too much.
    sinc = blur.sinc_kernel(radius, dice.uniform(tf.where(radius < 6, math.pi / 3, math.pi / 5), math.pi))
    kind = dice.choice(_BELL_WEIGHTS)
    family, isotropic = kind // 2, tf.equal(kind % 2, 0)
    sigma_x, sigma_y = dice.uniform(*numbers.sigma), dice.uniform(*numbers.sigma)
    angle = dice.uniform(-math.pi, math.pi)
    # Beta is below 1 in half of the cases.
    low, high = (tf.where(tf.equal(family, blur.PLATEAU), *ends) for ends in zip(*_BETAS, strict=True))
    beta = tf.where(dice.chance(0.5), dice.uniform(low, 1.0), dice.uniform(1.0, high))
    bell = blur.bell_kernel(family, radius, sigma_x, tf.where(isotropic, sigma_x, sigma_y), angle, beta)
    return tf.where(dice.chance(_SINC_PROBABILITY), sinc, bell)


def _radius(dice):
    """A radius for kernels of 7 to 21 pixels."""
    return dice.integer(3, blur.MAX_RADIUS + 1)


def _resize(image, size, method):
    branches = [lambda name=name: tf.image.resize(image, size, name) for name in _METHODS]
    return tf.ensure_shape(tf.switch_case(method, branches), (None, None, 3))


def _gaussian_noise(image, gray, seed):
    """Noise of standard deviation 1; the same in all channels if `gray` is true."""
    noise = tf.random.stateless_normal(tf.shape(image), seed)
    return tf.where(gray, noise[..., :1], noise)


def _poisson_noise(image, gray, seed):
    """Shot noise: white has as many photons as the picture has different levels, rounded up to a power of 2."""
    picture = tf.cond(gray, lambda: tf.image.rgb_to_grayscale(image), lambda: image)
    levels = tf.round(tf.clip_by_value(picture, 0.0, 1.0) * 255.0)
    different = tf.math.count_nonzero(tf.math.bincount(tf.cast(levels, tf.int32)))
    photons = 2.0 ** tf.math.ceil(tf.math.log(tf.cast(different, tf.float32)) / math.log(2.0))
    expected = levels / 255.0
    counted = tf.random.stateless_poisson(tf.shape(expected), seed, expected * photons, tf.float32)
    return counted / photons - expected


def _jpeg(image, quality):
    image = tf.image.adjust_jpeg_quality(tf.clip_by_value(image, 0.0, 1.0), tf.cast(quality, tf.int32))
    return tf.ensure_shape(image, (None, None, 3))
