"""Pairs of LR and HR pictures, and what loads one.

A loader is a function of no arguments that returns a `Pair`. Those that training takes its pictures from can also say,
without decoding it, how large the HR picture is, and what its pixels depend on.
"""

from typing import NamedTuple, Protocol

import numpy as np

from srgan_tf.errors import WorkError
from srgan_tf.images.pixels import modcrop
from srgan_tf.images.resize import imresize


class Pair(NamedTuple):
    """One picture in both sizes, uint8 [height, width, 3]; `hr` is exactly `scale` times as large as `lr`."""

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
    """What loads one pair.

    Attributes:
        scale: HR size over LR size.
    """

    scale: int

    def __call__(self) -> Pair:
        """Decodes or draws the pair.

        Raises:
            WorkError: it cannot be had; the message names the file.
        """

    def hr_size(self) -> tuple[int, int]:
        """The two sides of `hr`, pixels, without decoding it; 0 where it is smaller than one LR pixel.

        A picture that its EXIF orientation turns may have its sides in the other order.
        """

    def identity(self) -> list:
        """JSON values that change whenever the pixels may have changed."""


def make_pair(name: str, hr: np.ndarray, scale: int) -> Pair:
    """Makes a pair from an HR picture: cropped to a multiple of the scale, LR by MATLAB-like bicubic of the whole."""
    hr = modcrop(hr, scale)
    return Pair(name, imresize(hr, hr.shape[0] // scale, hr.shape[1] // scale), hr)


def fit_pair(name: str, lr: np.ndarray, hr: np.ndarray, scale: int, lr_name: str, hr_name: str) -> Pair:
    """Makes a pair from both pictures: they are cropped at the right and bottom by less than an LR pixel.

    Raises:
        WorkError: LR is not of `1 / scale` of HR's size; the message has `lr_name` and `hr_name`.
    """
    for small, large in zip(lr.shape[:2], hr.shape[:2], strict=True):
        # Makers of LR pictures crop HR first, or round its size up as MATLAB does.
        if small not in (large // scale, -(-large // scale)):
            raise WorkError(
                f"{lr_name!r} is {lr.shape[1]}x{lr.shape[0]}, "
                f"which is not 1/{scale} of the {hr.shape[1]}x{hr.shape[0]} of {hr_name!r}"
            )
    if min(hr.shape[:2]) < scale:
        raise WorkError(f"the picture {hr_name!r} is smaller than {scale}x{scale} pixels")
    hr = modcrop(hr, scale)
    return Pair(name, lr[: hr.shape[0] // scale, : hr.shape[1] // scale], hr)


def cropped_size(size: tuple[int, int], scale: int) -> tuple[int, int]:
    """What is left of two sides, pixels, when they are cropped to multiples of the scale."""
    return tuple(side - side % scale for side in size)
