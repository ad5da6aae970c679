"""The shift between the LR and the HR picture of a pair.

The LR pictures of DIV2K's realistic configurations are shifted against HR by an unknown amount. A pixel loss on such
pairs teaches a network to blur. The shift of each pair is estimated, and both pictures are cropped so that at most half
an HR pixel of it remains; nothing is resampled.
"""

import dataclasses
import math

import numpy as np

from srgan_tf.data.pairs import Loader, Pair

MAX_SHIFT = 10  # LR pixels, each way

_VERSION = 1  # of the estimate; a store on disk depends on it
_SIGMA = 1.0  # LR pixels, of the Gaussian that both pictures are filtered with
_MARGIN = 5  # LR pixels, ignored at each side in addition to the shift
_ITERATIONS = 4
_LARGEST = 256  # LR pixels, side of the part in the centre that the estimate uses


def estimate_shift(lr, hr, scale):
    """Estimates the shift of LR against HR.

    HR is averaged over squares of `scale` pixels. The peak of the phase correlation (Kuglin & Hines 1975) gives the
    shift in whole LR pixels. Gauss-Newton steps (Lucas & Kanade 1981) refine it, on both pictures filtered by a
    Gaussian: LR is fitted by the shifted HR, its two derivatives, a gain and an offset. Symmetric blur, noise and a
    change of brightness hardly affect the result. A shift of more than `MAX_SHIFT` or an eighth of a side is not found.

    Args:
        lr: uint8 [height, width, 3].
        hr: uint8 [scale * height, scale * width, 3].
        scale: HR size over LR size.

    Returns:
        `(down, right)`, LR pixels: HR's content at `(y, x)` is in LR at `(y / scale + down, x / scale + right)`. Zeros
        for pictures without texture.
    """
    lr, hr = _centre(lr, _LARGEST), _centre(hr, scale * _LARGEST)
    height, width = lr.shape[:2]
    averaged = hr.mean(axis=2).reshape(height, scale, width, scale).mean(axis=(1, 3))
    reference, moved = (np.fft.fft2(plane - plane.mean()) for plane in (averaged, lr.mean(axis=2)))
    frequencies = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    gaussian = np.exp(-2 * (np.pi * _SIGMA) ** 2 * (frequencies[0] ** 2 + frequencies[1] ** 2))
    cross = np.conj(reference) * moved
    correlation = np.fft.ifft2(gaussian * cross / np.maximum(np.abs(cross), 1e-9)).real
    shift = np.array(_peak(correlation), float)
    target = np.fft.ifft2(gaussian * moved).real
    limits = [_limit(side) + 1 for side in (height, width)]
    for _ in range(_ITERATIONS):
        phase = gaussian * reference * np.exp(-2j * np.pi * (frequencies[0] * shift[0] + frequencies[1] * shift[1]))
        planes = [phase, *(2j * np.pi * axis * phase for axis in frequencies)]
        terms = [np.fft.ifft2(plane).real for plane in planes]
        inner = tuple(
            slice(margin, side - margin)
            for margin, side in zip((math.ceil(abs(part)) + _MARGIN for part in shift), lr.shape[:2], strict=True)
        )
        columns = np.stack([term[inner].ravel() for term in terms] + [np.ones(target[inner].size)], axis=1)
        normal, product = columns.T @ columns, columns.T @ target[inner].ravel()
        gain, *slopes, _ = np.linalg.lstsq(normal, product, rcond=None)[0]
        if gain <= 0.1:  # LR does not resemble HR here
            return 0.0, 0.0
        shift = shift - np.clip(np.array(slopes) / gain, -1, 1)
        if (np.abs(shift) > limits).any():
            return 0.0, 0.0
    return float(shift[0]), float(shift[1])


def align_pair(pair, scale):
    """The pair cropped by its estimated shift, in whole HR pixels."""
    shift = estimate_shift(pair.lr, pair.hr, scale)
    windows = [
        _windows(round(scale * part), lr_side, hr_side, scale)
        for part, lr_side, hr_side in zip(shift, pair.lr.shape[:2], pair.hr.shape[:2], strict=True)
    ]
    lr_window, hr_window = zip(*windows, strict=True)
    return Pair(pair.name, pair.lr[lr_window], pair.hr[hr_window])


@dataclasses.dataclass(frozen=True)
class AlignedLoader:
    """A loader whose pairs are aligned.

    Attributes:
        loader: loads the pair as it is.
    """

    loader: Loader

    @property
    def scale(self):
        """HR size over LR size."""
        return self.loader.scale

    def __call__(self):
        """The aligned pair; raises as the loader."""
        return align_pair(self.loader(), self.scale)

    def hr_size(self):
        """The size before the pair is aligned, which makes it slightly smaller."""
        return self.loader.hr_size()

    def identity(self):
        """JSON values that change if the pixels may have changed."""
        return ["aligned", _VERSION, *self.loader.identity()]


def _limit(side):
    return min(MAX_SHIFT, side // 8)


def _centre(image, side):
    """The centre of at most `side` pixels each way; it shows the same of LR and HR if `side` is scaled with them."""
    height, width = image.shape[:2]
    step = side // _LARGEST
    top, left = (max(0, full // step - _LARGEST) // 2 * step for full in (height, width))
    return image[top : top + side, left : left + side]


def _peak(correlation):
    """Position of the largest value within the limits of the shift."""
    height, width = correlation.shape
    rows, columns = (np.arange(-_limit(side), _limit(side) + 1) for side in (height, width))
    near = correlation[np.ix_(rows % height, columns % width)]
    row, column = np.unravel_index(near.argmax(), near.shape)
    return rows[row], columns[column]


def _windows(shift, lr_side, hr_side, scale):
    """Slices of one side of LR and HR that show the same, for a shift of LR in HR pixels."""
    lr_start = max(0, -(-shift // scale))
    hr_start = lr_start * scale - shift
    count = min(lr_side - lr_start, (hr_side - hr_start) // scale)
    return slice(lr_start, lr_start + count), slice(hr_start, hr_start + count * scale)
