"""Pixel losses. `PIXEL_LOSSES` at the end lists their names for the settings."""

import tensorflow as tf


def mse(hr, sr):
    """Mean squared error over all pixels, channels and images."""
    return tf.reduce_mean(tf.square(hr - sr))


def l1(hr, sr):
    """Mean absolute error over all pixels, channels and images."""
    return tf.reduce_mean(tf.abs(hr - sr))


def charbonnier(hr, sr, epsilon=1e-3):
    """Charbonnier loss, a smooth L1: the mean of sqrt(error^2 + epsilon^2) (Lai et al. 2017 (LapSRN), eq. 2)."""
    return tf.reduce_mean(tf.sqrt(tf.square(hr - sr) + epsilon**2))


PIXEL_LOSSES = {"mse": mse, "l1": l1, "charbonnier": charbonnier}
