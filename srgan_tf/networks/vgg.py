"""VGG19 as a frozen feature extractor for the perceptual loss."""

import os

import keras

from srgan_tf.errors import UserError
from srgan_tf.networks.precision import precision_scope

WEIGHTS_FILE = "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5"
CONVOLUTIONS = tuple(
    f"block{block}_conv{index}" for block, count in enumerate((2, 2, 4, 4, 4), 1) for index in range(1, count + 1)
)


def vgg19_features(layer_names, *, before_activation=False, weights="imagenet", precision="float32"):
    """Builds VGG19 (Simonyan & Zisserman 2015) from keras.applications up to the deepest of the given layers.

    Keras's ImageNet weights come from Caffe: they expect BGR in 0-255 minus the mean colour. The model includes that
    conversion and takes RGB in [0, 1]. (torchvision's mean and standard deviation belong to other weights; here they
    would be wrong by a factor of about 57.)

    Args:
        layer_names: Keras's names of convolutions: "block5_conv4" is VGG54 of the SRGAN paper, "block2_conv2" VGG22.
        before_activation: True for features before the ReLU, False for features after it.
        weights: "imagenet" (from Keras's cache or downloaded), the path of an `.h5` file, or None for random weights.
        precision: compute precision of the convolutions, "float32" or "bfloat16". float16 would overflow: the features
            reach tens of thousands.

    Returns:
        Frozen model from an image [batch, height, width, 3] in [0, 1] to a dictionary of layer names and float32
        feature maps.

    Raises:
        UserError: an unknown layer name, or the weights are not available.
    """
    for name in layer_names:
        if name not in CONVOLUTIONS:
            raise UserError(f"VGG19 has no convolution {name!r}. It has: {', '.join(CONVOLUTIONS)}")
    with precision_scope(precision):
        vgg = _load(weights)
        image = keras.Input((None, None, 3), name="image")
        x = keras.applications.vgg19.preprocess_input(image * 255.0)
        features = {}
        for layer in vgg.layers[1:]:
            split = before_activation and layer.name in layer_names
            if split:
                layer.activation = keras.activations.linear
            x = features[layer.name] = layer(x)
            if split:
                x = keras.layers.ReLU(name=f"{layer.name}_relu")(x)
            if features.keys() >= set(layer_names):
                break
        outputs = {name: keras.ops.cast(features[name], "float32") for name in layer_names}
        extractor = keras.Model(image, outputs, name="vgg19_features")
    extractor.trainable = False
    return extractor


def _load(weights):
    if weights not in (None, "imagenet") and not os.path.isfile(weights):
        raise UserError(f"no VGG19 weights at {weights!r}: give the path of {WEIGHTS_FILE}, or 'imagenet'")
    try:
        return keras.applications.VGG19(include_top=False, weights=weights)
    except Exception as error:  # Keras reports a failed download as a plain Exception
        if weights != "imagenet":
            raise UserError(f"VGG19's weights could not be read from {weights!r}: {error}") from error
        folder = os.path.join(os.environ.get("KERAS_HOME", os.path.expanduser("~/.keras")), "models")
        raise UserError(
            f"VGG19's ImageNet weights could not be downloaded ({error}). "
            f"Put {WEIGHTS_FILE} into {folder}, or give its path with --set gan.perceptual.weights=PATH"
        ) from error
