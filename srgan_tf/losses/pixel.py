"""Distances between pixels. `PIXEL_LOSSES` at the end is the table of names that a setting can take."""

import tensorflow as tf


def mse(hr, sr):
    """Mean squared error over all pixels, channels and pictures."""
    return tf.reduce_mean(tf.square(hr - sr))


def l1(hr, sr):
    """Mean absolute error over all pixels, channels and pictures."""
    return tf.reduce_mean(tf.abs(hr - sr))


def charbonnier(hr, sr, epsilon=1e-3):
    """L1 made smooth around zero: the mean of sqrt(error^2 + epsilon^2) (Lai et al. 2017 (LapSRN), eq. 2)."""
    return tf.reduce_mean(tf.sqrt(tf.square(hr - sr) + epsilon**2))


PIXEL_LOSSES = {"mse": mse, "l1": l1, "charbonnier": charbonnier}
