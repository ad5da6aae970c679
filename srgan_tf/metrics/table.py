"""All metrics by name, and the protocols of papers."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from srgan_tf.errors import UserError
from srgan_tf.images.pixels import shave
from srgan_tf.metrics import fidelity, ntire18
from srgan_tf.metrics.lpips import load_lpips
from srgan_tf.metrics.niqe import load_niqe
from srgan_tf.metrics.stlpips import load_stlpips


class Sample(NamedTuple):
    """The inputs of a metric: uint8 [height, width, 3] images, `hr` and `sr` of the same size."""

    lr: np.ndarray
    hr: np.ndarray
    sr: np.ndarray


Score = Callable[[Sample], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A row of the table.

    Attributes:
        title: display name with the unit.
        load: returns the score function; raises UserError if something that it needs is not installed.
        definition: short description for tables and result files.
        border: whether a border of `scale` pixels is removed from `hr` and `sr` first.
        digits: decimals to print.
        perceptual: whether it measures perceptual quality instead of fidelity.
        higher_is_better: direction of the scores.
    """

    title: str
    load: Callable[[], Score]
    definition: str
    border: bool = False
    digits: int = 4
    perceptual: bool = False
    higher_is_better: bool = True


def _of_hr_and_sr(load):
    """Makes the loader of a metric from the loader of a function of `(hr, sr)`."""

    def load_score() -> Score:
        function = load()
        return lambda sample: function(sample.hr, sample.sr)

    return load_score


def _load_psnr_lr() -> Score:
    return lambda sample: fidelity.psnr_lr(sample.lr, sample.sr)


def _load_ntire18(function) -> Score:
    return lambda sample: function(sample.hr, sample.sr, sample.hr.shape[0] // sample.lr.shape[0])


def _load_niqe() -> Score:
    niqe = load_niqe()
    return lambda sample: niqe(sample.sr)


_LUMA = "on BT.601 luma 16-235, not rounded"
_WINDOW = "Gaussian window of 11, sigma 1.5"
_PSNR_Y = Metric("PSNR-Y full (dB)", _of_hr_and_sr(lambda: fidelity.psnr_y), _LUMA, digits=2)
_SSIM_Y = Metric("SSIM-Y full", _of_hr_and_sr(lambda: fidelity.ssim_y), f"{_LUMA}, {_WINDOW}")
_PSNR_RGB = Metric("PSNR-RGB full (dB)", _of_hr_and_sr(lambda: fidelity.psnr_rgb), "on R, G and B together", digits=2)
_SSIM_RGB = Metric("SSIM-RGB full", _of_hr_and_sr(lambda: fidelity.ssim_rgb), f"mean of R, G and B, {_WINDOW}")
_without_border = functools.partial(dataclasses.replace, border=True)
_distance = functools.partial(Metric, perceptual=True, higher_is_better=False)

METRICS = {
    "psnr_y": _without_border(_PSNR_Y, title="PSNR-Y (dB)"),
    "ssim_y": _without_border(_SSIM_Y, title="SSIM-Y"),
    "psnr_rgb": _without_border(_PSNR_RGB, title="PSNR-RGB (dB)"),
    "ssim_rgb": _without_border(_SSIM_RGB, title="SSIM-RGB"),
    "psnr_y_full": _PSNR_Y,
    "ssim_y_full": _SSIM_Y,
    "psnr_rgb_full": _PSNR_RGB,
    "ssim_rgb_full": _SSIM_RGB,
    "psnr_ntire18": Metric(
        "PSNR NTIRE18 (dB)",
        lambda: _load_ntire18(ntire18.psnr_ntire18),
        "RGB, 60x60 centre pixels, best of 81x81 shifts, brightness normalised",
        digits=2,
    ),
    "ssim_ntire18": Metric(
        "SSIM NTIRE18",
        lambda: _load_ntire18(ntire18.ssim_ntire18),
        f"mean of R, G and B, {_WINDOW}, 60x60 centre pixels, best of 41x41 even shifts",
    ),
    "psnr_ntire18_x8": Metric(
        "PSNR NTIRE18 track 1 (dB)",
        lambda: _load_ntire18(ntire18.psnr_ntire18_x8),
        "on R, G and B together, without 6 + scale border pixels",
        digits=2,
    ),
    "psnr_lr": Metric(
        "LR-PSNR (dB)", _load_psnr_lr, "RGB PSNR of SR, downscaled by MATLAB-like bicubic, to LR", digits=2
    ),
    "niqe": _distance("NIQE", _load_niqe, "no reference, authors' parameters, rounded luma", border=True, digits=3),
    "stlpips": _distance("ST-LPIPS", _of_hr_and_sr(load_stlpips), "Ghildyal & Liu 2022, AlexNet"),
    "lpips": _distance("LPIPS", _of_hr_and_sr(load_lpips), "Zhang et al. 2018, version 0.1, AlexNet"),
}

PROTOCOLS: dict[str, tuple[str, ...]] = {
    "y-border": ("psnr_y", "ssim_y"),
    "rgb-border": ("psnr_rgb", "ssim_rgb"),
    "rgb-full": ("psnr_rgb_full", "ssim_rgb_full"),
}
PROTOCOLS["all"] = tuple(metric for metrics in PROTOCOLS.values() for metric in metrics)
# Of the NTIRE 2018 challenge: tracks 2 to 4, track 1.
PROTOCOLS |= {"ntire18": ("psnr_ntire18", "ssim_ntire18"), "ntire18-x8": ("psnr_ntire18_x8",)}


def load_metrics(names: Iterable[str]) -> dict[str, Score]:
    """The score functions of metrics, in the given order.

    Args:
        names: keys of `METRICS`; duplicates are ignored.

    Raises:
        UserError: an unknown metric, or one that needs something that is not installed.
    """
    names = list(dict.fromkeys(names))
    for name in names:
        if name not in METRICS:
            raise UserError(f"no metric {name!r}: there are {', '.join(METRICS)}")
    return {name: _load(name) for name in names}


def describe(names: Iterable[str], scale: float) -> str:
    """A description of how the scores are computed, to be printed or stored with them."""
    parts = (
        f"{name}: {METRICS[name].definition}, "
        f"{f'without {math.ceil(scale)} border pixels' if METRICS[name].border else 'whole'}"
        for name in names
    )
    return f"uint8 images, mean over images; {'; '.join(parts)}"


@functools.cache
def _load(name):
    return METRICS[name].load()


def score(sample: Sample, metrics: dict[str, Score], *, scale: float) -> dict[str, float]:
    """The scores of one image.

    Args:
        sample: the images.
        metrics: result of `load_metrics`.
        scale: upscaling factor; rounded up, it is the width of the border that some protocols remove.

    Raises:
        ValueError: an image is too small for a metric, or `hr` and `sr` differ in size.
    """
    if sample.hr.shape != sample.sr.shape:
        raise ValueError(f"`hr` and `sr` must have one shape. Received: {sample.hr.shape}, {sample.sr.shape}")
    inner = sample
    if any(METRICS[name].border for name in metrics):
        border = math.ceil(scale)
        inner = sample._replace(hr=shave(sample.hr, border), sr=shave(sample.sr, border))
    return {name: function(inner if METRICS[name].border else sample) for name, function in metrics.items()}
