"""DISTS: similarity of structure and texture in VGG features, as a loss."""

import tensorflow as tf

# The last convolution of each block of VGG19; the image itself is compared too.
DISTS_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4", "block5_conv4")
_STABILIZER = 1e-6  # the constants c1 and c2 of Ding et al.


def dists_loss(hr, sr, features, layers=DISTS_LAYERS):
    """1 - DISTS similarity with equal weights (Ding et al. 2020, equations 5 to 7).

    For each channel, texture similarity compares the means of the two feature maps and structure similarity is their
    covariance over their variances, as in SSIM, but over the whole image. Texture that is shifted or redrawn keeps its
    means, unlike its features at each position. The loss is the mean of 1 - (texture + structure) / 2 over the
    channels, then over the image and the layers.

    Deviations: the authors weigh channels with numbers learned from human scores, use VGG16 and pool by L2 norms; here
    all channels of a layer weigh the same, and VGG19 pools by maxima.

    Args:
        hr: [batch, height, width, channels], [0, 1]; no gradient flows into it.
        sr: the same shape and range.
        features: callable from an image to a mapping of layer names to feature maps; a ReLU is applied to them, which
            does not change features after their activation.
        layers: names of the layers to compare.

    Returns:
        float32 scalar: 0 for equal images, 1 for unrelated ones.
    """
    hr_features, sr_features = features(hr), features(sr)
    maps = [(hr, sr), *((tf.nn.relu(hr_features[name]), tf.nn.relu(sr_features[name])) for name in layers)]
    return tf.reduce_mean([1.0 - _similarity(tf.stop_gradient(x), y) for x, y in maps])


def _similarity(x, y):
    x_mean, y_mean = (tf.reduce_mean(z, (1, 2), keepdims=True) for z in (x, y))
    x_centred, y_centred = x - x_mean, y - y_mean
    # Equal weight of each channel: a mean over them.
    texture = _ratio(x_mean * y_mean, tf.square(x_mean), tf.square(y_mean))
    structure = _ratio(*(tf.reduce_mean(z, (1, 2)) for z in (x_centred * y_centred, x_centred**2, y_centred**2)))
    return 0.5 * (tf.reduce_mean(texture) + tf.reduce_mean(structure))


def _ratio(product, x_square, y_square):
    return (2.0 * product + _STABILIZER) / (x_square + y_square + _STABILIZER)
