"""Distance between the features of two pictures, as a frozen network sees them."""

import tensorflow as tf

from srgan_tf.losses.pixel import PIXEL_LOSSES

# Ledig et al. 2017 divide VGG's features by 12.75, which brings the loss to the scale of a pixel MSE on [-1, 1]. The
# number belongs to Caffe's weights on 0-255 pixels, the ones Keras has.
PAPER_FEATURE_SCALE = 1 / 12.75


def perceptual_loss(hr, sr, features, *, layer_weights=(1.0,), distance="mse", feature_scale=PAPER_FEATURE_SCALE):
    """The content loss of Ledig et al. 2017 (SRGAN), eq. 5, on one or several layers.

    No gradient flows into the features of `hr`.

    Args:
        hr: [batch, height, width, 3], [0, 1].
        sr: the same shape and range.
        features: callable from an image to a list of feature maps, `srgan_tf.models.vgg.vgg19_features(...)`.
        layer_weights: one weight for each feature map.
        distance: "mse", "l1" or "charbonnier", averaged over all of a map's elements.
        feature_scale: multiplies the features before they are compared.

    Returns:
        float32 scalar, the weighted sum over the layers.
    """
    hr_features = [tf.stop_gradient(feature) for feature in features(hr)]
    sr_features = features(sr)
    if not len(hr_features) == len(layer_weights):
        raise ValueError(f"`layer_weights` must have {len(hr_features)} values. Received: {layer_weights}")
    compare = PIXEL_LOSSES[distance]
    return tf.add_n(
        [
            weight * compare(feature_scale * hr_feature, feature_scale * sr_feature)
            for weight, hr_feature, sr_feature in zip(layer_weights, hr_features, sr_features, strict=True)
        ]
    )
