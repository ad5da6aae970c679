"""Colour loss: areas of SR should have the mean colour of the same areas of HR."""

import tensorflow as tf

from srgan_tf.losses.pixel import l1

AREA = 16  # side of an area, HR pixels


def colour_loss(hr, sr):
    """Mean absolute error of the mean colours of areas of 16x16 pixels.

    A pixel loss penalizes a shift of the mean too, but perceptual and adversarial losses barely do: next to them, its
    weight would have to be so large that the result is blurred. This loss does not depend on the texture of an area.

    Args:
        hr: float32 [batch, height, width, 3] in [0, 1], at least 16 pixels each way; rows and columns beyond a multiple
            of 16 are ignored.
        sr: the same shape.

    Returns:
        float32 scalar.
    """
    return l1(*(tf.nn.avg_pool2d(image, AREA, AREA, "VALID") for image in (hr, sr)))
