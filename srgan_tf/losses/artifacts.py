"""LDL's artifact map and the L1 loss weighted by it."""

import tensorflow as tf


def artifact_map(hr, sr, sr_ema, window=7):
    """The artifact map of LDL: large where a pixel of `sr` is likely to be an artifact (Liang et al. 2022).

    With the residual r = sum over channels of |hr - sr|, the map is (variance of r in the local window) * (variance of
    r in the image)^(1/5). It is zero where r is smaller than the residual of the EMA generator, whose output has fewer
    artifacts. Variances are unbiased; borders are reflected.

    Args:
        hr: [batch, height, width, 3], [0, 1], at least half a window high and wide.
        sr: the same shape, output of the generator.
        sr_ema: the same shape, output of the EMA generator.
        window: side of the local window, odd.

    Returns:
        float32 [batch, height, width, 1], at least 0; no gradient flows through it.
    """
    residual = tf.reduce_sum(tf.abs(hr - sr), -1, keepdims=True)
    residual_ema = tf.reduce_sum(tf.abs(hr - sr_ema), -1, keepdims=True)
    count = tf.cast(tf.size(residual[0]), tf.float32)
    overall = tf.math.reduce_variance(residual, axis=(1, 2, 3), keepdims=True) * count / (count - 1.0)
    # Centred first: E[r^2] - E[r]^2 of large values would lose a small variance in float32.
    centred = residual - tf.reduce_mean(residual, axis=(1, 2, 3), keepdims=True)
    margin = window // 2
    padded = tf.pad(centred, [[0, 0], [margin, margin], [margin, margin], [0, 0]], "REFLECT")
    mean, mean_square = (tf.nn.avg_pool2d(x, window, 1, "VALID") for x in (padded, tf.square(padded)))
    local = tf.nn.relu(mean_square - tf.square(mean)) * window**2 / (window**2 - 1)
    return tf.stop_gradient(tf.where(residual < residual_ema, 0.0, local * overall**0.2))


def artifact_loss(hr, sr, sr_ema):
    """L1 weighted by the artifact map (Liang et al. 2022 (LDL)); arguments as in `artifact_map`."""
    return tf.reduce_mean(artifact_map(hr, sr, sr_ema) * tf.abs(hr - sr))
