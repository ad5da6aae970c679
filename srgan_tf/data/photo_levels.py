"""Three fixed degradations of validation pictures, from a good web JPEG to a bad phone photograph.

    web      mild softening, Lanczos downscaling, one JPEG or WebP
    phone    defocus blur, sensor noise in linear light, sharpening, one JPEG
    hard     motion blur, more sensor noise, two JPEGs with a resize in between

They are for validation and testing only. They share no code, kernel or resampling filter with the degradation of the
training (`data.degradations`), so a good score cannot come from inverting the training degradation exactly. The result
depends only on the picture, its name and the level: it is the same on every machine with the same version of Pillow.
"""

import io
import zlib

import numpy as np
from PIL import Image

from srgan_tf.images.pictures import read_picture

LEVELS = ("web", "phone", "hard")


def degrade_photo(hr, level, name, *, scale=4):
    """Makes the LR picture of a level.

    Args:
        hr: uint8 RGB [height, width, 3], both sides multiples of `scale`.
        level: one of `LEVELS`.
        name: name of the picture; it seeds the random numbers.
        scale: HR size over LR size.

    Returns:
        uint8 RGB [height / scale, width / scale, 3].

    Raises:
        ValueError: an unknown level, or sides that are not multiples of `scale`.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown level {level!r}: expected one of {', '.join(LEVELS)}")
    if hr.shape[0] % scale or hr.shape[1] % scale:
        raise ValueError(f"the sides of `hr` must be multiples of {scale}. Received: shape {hr.shape}")
    rng = np.random.default_rng([zlib.crc32(level.encode()), zlib.crc32(name.encode())])
    return {"web": _web, "phone": _phone, "hard": _hard}[level](hr, rng, scale)


def _web(hr, rng, scale):
    kernel = disc_kernel(rng.uniform(0.1, 0.25) * scale)
    lr = _resize(_convolve(hr / 255.0, kernel), hr.shape, 1 / scale, Image.Resampling.LANCZOS)
    if rng.random() < 0.3:
        return _webp(lr, int(rng.integers(65, 86)))
    return _jpeg(lr, int(rng.integers(60, 86)), subsampling=2)


def _phone(hr, rng, scale):
    kernel = disc_kernel(rng.uniform(0.3, 0.6) * scale)
    lr = _resize(_convolve(hr / 255.0, kernel), hr.shape, 1 / scale, Image.Resampling.HAMMING)
    lr = _sensor_noise(lr, rng, photons=rng.uniform(600, 2400), read_noise=rng.uniform(0.002, 0.006))
    lr = lr + rng.uniform(0.3, 0.8) * (lr - _convolve(lr, disc_kernel(1.5)))
    return _jpeg(lr, int(rng.integers(70, 91)), subsampling=2)


def _hard(hr, rng, scale):
    kernel = line_kernel(rng.uniform(1.0, 2.2) * scale, rng.uniform(0, np.pi))
    middle = _resize(_convolve(hr / 255.0, kernel), hr.shape, 1.5 / scale, Image.Resampling.BOX)
    middle = _sensor_noise(middle, rng, photons=rng.uniform(80, 320), read_noise=rng.uniform(0.006, 0.018))
    middle = _jpeg(middle, int(rng.integers(60, 86)), subsampling=2)
    lr = _resize(middle / 255.0, hr.shape, 1 / scale, Image.Resampling.LANCZOS)
    return _jpeg(lr, int(rng.integers(45, 76)), subsampling=2)


def disc_kernel(radius):
    """The point spread function of a lens out of focus: a disc with an antialiased edge.

    Args:
        radius: of the disc, pixels, above 0.

    Returns:
        float64 [size, size] with the sum 1, of odd size.
    """
    reach = int(np.ceil(radius))
    return _area_kernel(reach, lambda y, x: y**2 + x**2 <= radius**2)


def line_kernel(length, angle):
    """The point spread function of a straight motion: a line one pixel wide.

    Args:
        length: of the line, pixels, at least 1.
        angle: of the line, radians.

    Returns:
        float64 [size, size] with the sum 1, of odd size.
    """
    reach = int(np.ceil(length / 2))

    def inside(y, x):
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        return (np.abs(along) <= length / 2) & (np.abs(across) <= 0.5)

    return _area_kernel(reach, inside)


def _area_kernel(reach, inside, samples=9):
    """Share of each pixel that lies inside a shape, by samples x samples points a pixel."""
    points = (np.arange((2 * reach + 1) * samples) + 0.5) / samples - reach - 0.5
    covered = inside(points[:, None], points[None, :]).astype(float)
    size = 2 * reach + 1
    kernel = covered.reshape(size, samples, size, samples).mean(axis=(1, 3))
    return kernel / kernel.sum()


def _convolve(image, kernel):
    """Convolves each channel; the picture is mirrored at its border."""
    reach = kernel.shape[0] // 2
    height, width = image.shape[:2]
    padded = np.pad(image, ((reach, reach), (reach, reach), (0, 0)), mode="symmetric")
    result = np.zeros(image.shape)
    for (row, column), weight in np.ndenumerate(kernel[::-1, ::-1]):
        if weight:
            result += weight * padded[row : row + height, column : column + width]
    return result


def _resize(image, hr_shape, factor, method):
    """Resizes to `factor` times the HR size with Pillow, each channel in float."""
    size = (round(hr_shape[1] * factor), round(hr_shape[0] * factor))
    channels = [
        Image.fromarray(channel.astype(np.float32)).resize(size, method) for channel in np.moveaxis(image, 2, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=2)


def _sensor_noise(image, rng, *, photons, read_noise):
    """Shot and read noise in linear light.

    Args:
        image: [height, width, 3] in [0, 1], gamma-encoded.
        rng: `numpy.random.Generator`.
        photons: expected photon count of a white pixel.
        read_noise: standard deviation as a fraction of white.

    Returns:
        [height, width, 3], gamma-encoded, clipped to [0, 1].
    """
    linear = np.clip(image, 0, 1) ** 2.2
    noisy = rng.poisson(linear * photons) / photons + rng.normal(0, read_noise, linear.shape)
    return np.clip(noisy, 0, 1) ** (1 / 2.2)


def _encoded(image, file_format, **options):
    buffer = io.BytesIO()
    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    Image.fromarray(levels).save(buffer, file_format, **options)
    return read_picture(buffer)


def _jpeg(image, quality, *, subsampling):
    return _encoded(image, "JPEG", quality=quality, subsampling=subsampling)


def _webp(image, quality):
    return _encoded(image, "WEBP", quality=quality)
