"""LR consistency: the downscaled SR image should equal the LR image."""

import tensorflow as tf

from srgan_tf.images.pixels import shave
from srgan_tf.images.resize import resize_matrix
from srgan_tf.losses.pixel import l1

_BORDER = 2  # radius of the bicubic kernel in LR pixels


def downscale(image, scale):
    """MATLAB-like antialiased bicubic downscaling: a differentiable `srgan_tf.images.resize.imresize`, not rounded.

    Two multiplications with constant matrices, which every device and compiler supports (XLA does not support
    TensorFlow's antialiased resize, and its bicubic resize has no GPU kernel).

    Args:
        image: float32 [batch, height, width, channels] of known height and width, multiples of `scale`.
        scale: the downscaling factor.

    Returns:
        float32 [batch, height / scale, width / scale, channels], not clipped.
    """
    height, width = image.shape[1:3]
    rows, columns = (tf.constant(resize_matrix(size, size // scale), tf.float32) for size in (height, width))
    return tf.einsum("oh,pw,bhwc->bopc", rows, columns, image)


def lr_consistency(lr, sr):
    """Mean absolute error between the downscaled `sr` and `lr`: penalizes drift of colours and coarse structure.

    The outer two LR pixels of each side are ignored (fewer if no pixel would remain): in a patch they were
    computed from pixels outside it.

    Args:
        lr: float32 [batch, height, width, 3] in [0, 1].
        sr: float32 [batch, scale * height, scale * width, 3] in [0, 1].

    Returns:
        float32 scalar.
    """
    small = downscale(sr, sr.shape[1] // lr.shape[1])
    border = min(_BORDER, (min(lr.shape[1:3]) - 1) // 2)
    return l1(shave(lr, border), shave(small, border))
