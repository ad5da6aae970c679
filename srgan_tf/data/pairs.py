"""Pairs of LR and HR pictures, and their loaders.

A loader is a function of no arguments that returns a `Pair`. A `Loader` also has the size of the HR picture and a key
of its content, both without decoding.
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
    """Loads one pair.

    Attributes:
        scale: HR size over LR size.
    """

    scale: int

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


def make_pair(name: str, hr: np.ndarray, scale: int) -> Pair:
    """Makes a pair from an HR picture: cropped to a multiple of the scale, LR by MATLAB-like bicubic of the whole."""
    hr = modcrop(hr, scale)
    return Pair(name, imresize(hr, hr.shape[0] // scale, hr.shape[1] // scale), hr)


def fit_pair(name: str, lr: np.ndarray, hr: np.ndarray, scale: int, lr_name: str, hr_name: str) -> Pair:
    """Makes a pair from both pictures: HR is cropped at the right and bottom to a multiple of the scale, LR to fit.

    Raises:
        WorkError: the size of LR is not `1 / scale` of that of HR; the message has `lr_name` and `hr_name`.
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
    """Two sides, pixels, cropped to multiples of the scale."""
    return tuple(side - side % scale for side in size)
