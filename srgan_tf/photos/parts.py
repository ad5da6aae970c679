"""Parts of an image: the crop that is upscaled, and the mask of what is enhanced."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from srgan_tf.errors import WorkError
from srgan_tf.images.pictures import read_picture

_SOFT_EDGE = 2.0  # standard deviation of the blur of a mask's edges, input pixels
_ASPECT_TOLERANCE = 0.02


class Crop(NamedTuple):
    """A rectangle of an image, pixels from its left upper corner, after the EXIF orientation."""

    left: int
    top: int
    width: int
    height: int

    def check(self, width, height):
        """Raises a WorkError unless the rectangle lies inside an image of this size."""
        if self.left + self.width > width or self.top + self.height > height:
            raise WorkError(f"the crop {','.join(map(str, self))} is not inside its {width}x{height} pixels")


def read_mask(path, width, height, dtype):
    """Reads a mask for an image: white is enhanced, black is not, with a soft edge in between.

    Args:
        path: an image file of the same aspect ratio; colours become gray.
        width: of the image, pixels.
        height: of the image, pixels.
        dtype: of the image, uint8 or uint16; its largest value is white.

    Returns:
        Array [height, width, 1].

    Raises:
        WorkError: the mask cannot be read, or has another aspect ratio.
    """
    mask = Image.fromarray(read_picture(path)).convert("L")
    # One pixel of rounding is no difference.
    if abs(mask.width * height - mask.height * width) > _ASPECT_TOLERANCE * mask.width * height + max(mask.size):
        raise WorkError(
            f"the mask {str(path)!r} of {mask.width}x{mask.height} pixels has another aspect ratio than the image of "
            f"{width}x{height}"
        )
    mask = mask.resize((width, height), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(_SOFT_EDGE))
    levels = np.asarray(mask)[..., np.newaxis]
    return levels.astype(dtype) * dtype(np.iinfo(dtype).max // 255)
