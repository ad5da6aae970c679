"""IDM: a continuous generator, and a diffusion of the residual over it."""

from typing import Annotated, Literal

import keras
from keras import layers
from pydantic import Field, PositiveFloat, PositiveInt, validate_call

from srgan_tf.networks.blocks import Scale
from srgan_tf.networks.continuous import at_positions, continuous
from srgan_tf.networks.denoiser import ResidualDiffusion
from srgan_tf.networks.rewrites.clone import Rewriting

LAYER = "diffusion"


@validate_call
def idm(
    *,
    scale: Scale = 4,
    num_blocks: PositiveInt = 8,
    num_filters: PositiveInt = 32,
    basis: PositiveInt = 5,
    hidden: PositiveInt = 32,
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = (32, 64, 96),
    decoder_hidden: PositiveInt = 64,
    schedule: Literal["linear", "shift"] = "shift",
    length: PositiveInt = 4,
    steps: PositiveInt = 4,
    prediction: Literal["image", "noise"] = "image",
    gain: PositiveFloat = 10.0,
) -> keras.Model:
    """Implicit diffusion for continuous super-resolution (Gao et al. 2023 (IDM)), over a regression.

    The base image is that of `continuous`. A chain samples the residual of HR over it, as in SRDiff (Li et al. 2022).
    Its U-Net keeps what makes IDM continuous: implicit upsampling, the two scale-dependent factors with
    s1^2 + s2^2 = 1, and LR features at every level.

    Args:
        scale: 2, 3, 4 or 8: the factor without another request, and the largest of the training.
        num_blocks: number of residual blocks of the trunk.
        num_filters: channels of the trunk.
        basis: number of basis functions of each axis.
        hidden: units of the two hidden layers of the network that computes them.
        widths: channels of the U-Net at 1/2, 1/4, 1/8, ... of the output resolution.
        decoder_hidden: units of the coordinate network of each upsampling.
        schedule: "shift", ResShift's chain, or "linear", DDPM's.
        length: states of the chain; IDM has 2000.
        steps: steps of sampling, at most `length`.
        prediction: "image", the U-Net estimates the residual, or "noise".
        gain: factor on the residual in the chain.

    Returns:
        Model from `lr` float [batch, height, width, 3] in [0, 1] to a sample `sr` float32 [batch, scale*height,
        scale*width, 3], which may exceed that range.
    """
    if steps > length:
        raise ValueError(f"`steps` must be at most `length` {length}. Received: {steps}")
    generator = continuous(scale=scale, num_blocks=num_blocks, num_filters=num_filters, basis=basis, hidden=hidden)
    lr, base = generator.inputs[0], generator.outputs[0]
    rows, columns = (generator.get_layer(name).output for name in ("rows", "columns"))
    features = generator.get_layer("coefficients_conv").input
    diffusion = ResidualDiffusion(widths, decoder_hidden, schedule, length, steps, prediction, gain, name=LAYER)
    residual = diffusion([features, base, rows, columns])
    return keras.Model(lr, layers.Add(dtype="float32", name="sample")([base, residual]), name="idm")


def is_diffusion(generator):
    """Whether a generator samples by diffusion."""
    return any(isinstance(layer, ResidualDiffusion) for layer in generator.layers)


def base_of(generator):
    """The regression of a diffusion generator: the same network without the diffusion. It shares the layers."""
    return keras.Model(generator.inputs[0], generator.get_layer(LAYER).input[1], name="continuous")


def conditions_of(generator):
    """What the diffusion of a generator gets, as a network at positions; it shares the layers.

    Returns:
        Model from `[lr, rows, columns]` to `[features, base, rows, columns]`, the inputs of `ResidualDiffusion`.
    """
    features, base, *_ = generator.get_layer(LAYER).input
    network = at_positions(keras.Model(generator.inputs[0], [features, base]))
    return keras.Model(network.inputs, [*network.outputs, *network.inputs[1:]])


def with_sampling(generator, *, steps=None, seed=None):
    """A copy of a diffusion generator that samples in another number of steps or with another seed.

    Raises:
        ValueError: `steps` is not from 1 to the length of the chain.
    """
    layer = generator.get_layer(LAYER)
    config = layer.get_config()
    if steps is not None:
        layer.schedule.strided(steps)  # checks the number
        config["steps"] = steps
    if seed is not None:
        config["seed"] = seed
    rewriting = Rewriting()
    rewriting.layers[LAYER] = ResidualDiffusion.from_config(config)
    return rewriting.apply(generator)
