"""Pairs of LR and HR pictures, and their loaders.

A loader is a function of no arguments that returns a `Pair`. A `Loader` also has the size of the HR picture and a key
of its content, both without decoding.
"""

import math
from typing import NamedTuple, Protocol

import numpy as np

from srgan_tf.errors import WorkError
from srgan_tf.images.resize import imresize

# Keeps the LR size where a product of floats is a little too small: 29.7 / 2.7 is below 11.
_ROUNDING = 1e-9


class Pair(NamedTuple):
    """One picture in both sizes, uint8 [height, width, 3].

    `hr` is exactly `scale` times as large as `lr`; at a fractional scale, its sides are rounded to the nearest pixel.
    """

    name: str
    lr: np.ndarray
    hr: np.ndarray


class UnreadableError(WorkError):
    """Some pictures of a training set cannot be read.

    Attributes:
        reasons: the message of each.
    """

    def __init__(self, reasons):
        self.reasons = list(reasons)
        count = len(self.reasons)
        super().__init__(f"{count} pictures cannot be read: {'; '.join(self.reasons)}" if count > 1 else reasons[0])


class Loader(Protocol):
    """Loads one pair.

    Attributes:
        scale: HR size over LR size.
    """

    scale: float

    def __call__(self) -> Pair:
        """Decodes or draws the pair.

        Raises:
            WorkError: it cannot be loaded; the message names the file.
        """

    def hr_size(self) -> tuple[int, int]:
        """The two sides of `hr`, pixels, without decoding it; 0 if smaller than one LR pixel.

        The sides may be swapped if an EXIF orientation rotates the picture.
        """

    def identity(self) -> list:
        """JSON values that change if the pixels may have changed."""


def make_pair(name: str, hr: np.ndarray, scale: float) -> Pair:
    """Makes a pair from an HR picture: LR by MATLAB-like bicubic of the whole.

    LR has 1/scale of the HR pixels, rounded down. HR is then cropped at the right and bottom to `scale` times that: a
    multiple of an integer scale, the nearest pixel at a fractional one.
    """
    lr_size = [lr_side(side, scale) for side in hr.shape[:2]]
    hr = _cropped(hr, scale)
    return Pair(name, imresize(hr, *lr_size), hr)


def fit_pair(name: str, lr: np.ndarray, hr: np.ndarray, scale: int, lr_name: str, hr_name: str) -> Pair:
    """Makes a pair from both pictures: HR is cropped at the right and bottom to a multiple of the scale, LR to fit.

    Raises:
        WorkError: the size of LR is not `1 / scale` of that of HR; the message has `lr_name` and `hr_name`.
    """
    if not sizes_fit(lr.shape, hr.shape, scale):
        raise WorkError(
            f"{lr_name!r} is {lr.shape[1]}x{lr.shape[0]}, "
            f"which is not 1/{scale} of the {hr.shape[1]}x{hr.shape[0]} of {hr_name!r}"
        )
    if min(hr.shape[:2]) < scale:
        raise WorkError(f"the picture {hr_name!r} is smaller than {scale}x{scale} pixels")
    hr = _cropped(hr, scale)
    return Pair(name, lr[: hr.shape[0] // scale, : hr.shape[1] // scale], hr)


def sizes_fit(lr_shape: tuple[int, ...], hr_shape: tuple[int, ...], scale: float) -> bool:
    """Whether the size of LR is `1 / scale` of that of HR. Makers of LR crop HR first, or round up as MATLAB does."""
    return all(
        small in (large // scale, -(-large // scale)) for small, large in zip(lr_shape[:2], hr_shape[:2], strict=True)
    )


def lr_side(hr_side: int, scale: float) -> int:
    """The LR pixels of a side of an HR picture, rounded down.

    >>> lr_side(110, 4), lr_side(30, 2.7)
    (27, 11)
    """
    return math.floor(hr_side / scale + _ROUNDING)


def cropped_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Two HR sides, pixels, cropped to `scale` times their LR sides; 0 for less than one LR pixel."""
    return tuple(round(lr_side(side, scale) * scale) for side in size)


def _cropped(hr, scale):
    height, width = cropped_size(hr.shape[:2], scale)
    return hr[:height, :width]
