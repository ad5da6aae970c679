"""Whether an SR picture shrinks back to the picture that it was made from."""

import tensorflow as tf

from srgan_tf.images.resize import resize_matrix
from srgan_tf.losses.pixel import l1


def downscale(image, scale):
    """MATLAB-like bicubic, antialiased, without rounding: as `srgan_tf.resize.imresize` of floats, differentiable.

    Two products with fixed matrices, which every device and compiler takes (XLA refuses TensorFlow's own antialiased
    resize, and its bicubic has no GPU kernel).

    Args:
        image: float32 [batch, height, width, channels] of known height and width, multiples of `scale`.
        scale: the factor.

    Returns:
        float32 [batch, height / scale, width / scale, channels], not clipped.
    """
    height, width = image.shape[1:3]
    rows, columns = (tf.constant(resize_matrix(size, size // scale), tf.float32) for size in (height, width))
    return tf.einsum("oh,pw,bhwc->bopc", rows, columns, image)


def lr_consistency(lr, sr):
    """Mean absolute error of the downscaled `sr` against `lr`: what the colours and the coarse structure drifted.

    Args:
        lr: float32 [batch, height, width, 3] in [0, 1].
        sr: a whole factor as high and wide.

    Returns:
        float32 scalar.
    """
    return l1(lr, downscale(sr, sr.shape[1] // lr.shape[1]))
