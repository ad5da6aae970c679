"""The ranker of RankSRGAN: a network that predicts a perceptual score of an image."""

import keras
from keras import layers
from pydantic import PositiveInt, validate_call

from srgan_tf.networks.blocks import BATCH_NORM_MOMENTUM, NORM_EPSILON


@validate_call
def ranker_network(*, num_filters: PositiveInt = 64) -> keras.Model:
    """The ranker of RankSRGAN (Zhang et al. 2019, figure 3), in the VGG form of the authors' code.

    Five pairs of a 3x3 convolution and a 4x4 convolution of stride 2; the filters double from `num_filters` to eight
    times that. Batch norm on all but the first, LeakyReLU 0.2, global average
    pooling, a dense layer of 100 units and one to the score.

    Args:
        num_filters: channels of the first convolution.

    Returns:
        Model from an image float [batch, height, width, 3] in [0, 1], of any size, to float32 scores [batch, 1]. Their
        direction is that of the training labels: lower is better for NIQE.
    """
    x = image = keras.Input((None, None, 3), name="image")
    for index, multiple in enumerate((1, 2, 4, 8, 8), start=1):
        for half, (kernel_size, stride) in enumerate([(3, 1), (4, 2)], start=1):
            name = f"conv{index}_{half}"
            normalized = (index, half) > (1, 1)
            x = layers.Conv2D(
                multiple * num_filters, kernel_size, stride, padding="same", use_bias=not normalized, name=name
            )(x)
            if normalized:
                x = layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM, epsilon=NORM_EPSILON, name=f"{name}_norm")(
                    x
                )
            x = layers.LeakyReLU(0.2, name=f"{name}_activation")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.LeakyReLU(0.2, name="dense_activation")(layers.Dense(100, name="dense")(x))
    score = layers.Dense(1, dtype="float32", name="score")(x)
    return keras.Model(image, score, name="ranker")
