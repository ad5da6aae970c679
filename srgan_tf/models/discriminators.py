"""Discriminators: pictures in, logits out (no sigmoid: the losses take logits).

`DISCRIMINATORS` at the end is the table of what a preset or `--set discriminator.name=` can name.
"""

import keras
from keras import layers
from pydantic import PositiveInt, validate_call


@validate_call
def vgg_discriminator(*, hr_patch_size: PositiveInt = 96, num_filters: PositiveInt = 64) -> keras.Model:
    """The VGG-style discriminator of SRGAN (Ledig et al. 2017, figure 4).

    Eight 3x3 convolutions, every second one of stride 2 while the filters double to eight times the first; batch norm
    on all but the first; LeakyReLU 0.2; a dense layer of sixteen times the filters (1024) and one of a single logit.

    Args:
        hr_patch_size: side of the square patches that it judges, a multiple of 16.
        num_filters: channels of the first convolution.

    Returns:
        Model from an image float [batch, hr_patch_size, hr_patch_size, 3] in [0, 1] to float32 logits [batch, 1].

    Raises:
        ValueError: `hr_patch_size` is not a multiple of 16.
    """
    if hr_patch_size % 16:
        raise ValueError(f"`hr_patch_size` must be a multiple of 16. Received: {hr_patch_size}")
    image = keras.Input((hr_patch_size, hr_patch_size, 3), name="image")
    # The convolutions see [-1, 1], as the paper's discriminator did.
    x = layers.Rescaling(2.0, -1.0, name="rescale")(image)
    for index, (multiple, stride) in enumerate([(m, s) for m in (1, 2, 4, 8) for s in (1, 2)], start=1):
        normalized = index > 1
        x = layers.Conv2D(
            multiple * num_filters, 3, stride, padding="same", use_bias=not normalized, name=f"conv{index}"
        )(x)
        if normalized:
            x = layers.BatchNormalization(name=f"norm{index}")(x)
        x = layers.LeakyReLU(0.2, name=f"activation{index}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.LeakyReLU(0.2, name="dense_activation")(layers.Dense(16 * num_filters, name="dense")(x))
    logits = layers.Dense(1, dtype="float32", name="logits")(x)
    return keras.Model(image, logits, name="vgg_discriminator")


DISCRIMINATORS = {"vgg": vgg_discriminator}
