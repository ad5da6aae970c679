"""Pictures of noise, and files of them."""

import numpy as np

from srgan_tf.photos.writing import write_photo


def samples(rng, channels, dtype=np.uint8, size=(19, 23)):
    return rng.integers(0, np.iinfo(dtype).max + 1, (*size, channels), dtype=dtype)


def stripes(picture):
    return (picture[start : start + 7] for start in range(0, len(picture), 7))


def write(path, picture, metadata=None):
    height, width, channels = picture.shape
    write_photo(
        path,
        stripes(picture),
        width=width,
        height=height,
        channels=channels,
        bits=8 * picture.itemsize,
        metadata=metadata or {},
    )
