"""Where a GAN invents: the artefact map of LDL, and the loss that it weighs."""

import tensorflow as tf


def artifact_map(hr, sr, sr_ema, window=7):
    """How likely each pixel of `sr` is an artefact (Liang et al. 2022 (LDL)).

    The residual |hr - sr|, summed over colours, marks artefacts where it varies much locally (its variance in a window)
    and over the whole picture (its variance there to the power 1/5), and is not smaller than that of the averaged
    generator, which is smoother. Variances are the unbiased ones; borders are reflected.

    Args:
        hr: [batch, height, width, 3], [0, 1], at least half a window high and wide.
        sr: the same shape, of the generator that learns.
        sr_ema: the same shape, of the generator with averaged weights.
        window: side of the local window, odd.

    Returns:
        float32 [batch, height, width, 1], at least 0, without a gradient.
    """
    residual = tf.reduce_sum(tf.abs(hr - sr), -1, keepdims=True)
    residual_ema = tf.reduce_sum(tf.abs(hr - sr_ema), -1, keepdims=True)
    count = tf.cast(tf.size(residual[0]), tf.float32)
    overall = tf.math.reduce_variance(residual, axis=(1, 2, 3), keepdims=True) * count / (count - 1.0)
    # Of the centred residual: the difference of two large numbers would lose the small variance.
    centred = residual - tf.reduce_mean(residual, axis=(1, 2, 3), keepdims=True)
    reach = window // 2
    padded = tf.pad(centred, [[0, 0], [reach, reach], [reach, reach], [0, 0]], "REFLECT")
    mean, mean_square = (tf.nn.avg_pool2d(x, window, 1, "VALID") for x in (padded, tf.square(padded)))
    local = tf.nn.relu(mean_square - tf.square(mean)) * window**2 / (window**2 - 1)
    return tf.stop_gradient(tf.where(residual < residual_ema, 0.0, local * overall**0.2))


def artifact_loss(hr, sr, sr_ema):
    """L1 weighted by the artefact map (Liang et al. 2022 (LDL)); arguments as in `artifact_map`."""
    return tf.reduce_mean(artifact_map(hr, sr, sr_ema) * tf.abs(hr - sr))
