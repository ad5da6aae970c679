"""Perceptual loss: distance between the features of two images in a frozen network."""

import tensorflow as tf

from srgan_tf.losses.pixel import PIXEL_LOSSES

# Ledig et al. 2017 divide VGG features by 12.75, which brings the loss to the scale of a pixel MSE on [-1, 1]. The
# factor is valid for Caffe's weights on pixels in 0-255, which are those of Keras.
PAPER_FEATURE_SCALE = 1 / 12.75


def perceptual_loss(hr, sr, features, *, layer_weights, distance="mse", feature_scale=PAPER_FEATURE_SCALE):
    """The content loss of Ledig et al. 2017 (SRGAN), eq. 5, for one or several layers.

    No gradient flows into the features of `hr`.

    Args:
        hr: [batch, height, width, 3], [0, 1].
        sr: the same shape and range.
        features: callable from an image to a mapping of layer names to feature maps, such as
            `srgan_tf.networks.vgg.vgg19_features(...)`.
        layer_weights: mapping of layer names to their weights.
        distance: "mse", "l1" or "charbonnier", averaged over all elements of a feature map.
        feature_scale: factor on the features before the comparison.

    Returns:
        float32 scalar, the weighted sum over the layers.
    """
    hr_features, sr_features = features(hr), features(sr)
    compare = PIXEL_LOSSES[distance]
    return tf.add_n(
        [
            weight * compare(feature_scale * tf.stop_gradient(hr_features[name]), feature_scale * sr_features[name])
            for name, weight in layer_weights.items()
        ]
    )
