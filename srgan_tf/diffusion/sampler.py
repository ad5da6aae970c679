"""The sampler of a diffusion chain, and the noise that it uses."""

import itertools

import numpy as np


def sample(predict, schedule, steps, noise):
    """Runs a chain backwards, from noise to an image.

    Args:
        predict: function from a state float32 array and its number t to an estimate of the image.
        schedule: a `Schedule`.
        steps: number of steps, at most the length of the chain.
        noise: function of the number of a step, from 0, to standard normal noise of the shape of the image.

    Returns:
        The image.
    """
    states = schedule.strided(steps)
    z = schedule.noise[states[0]] * noise(0)
    for index, (state, target) in enumerate(itertools.pairwise(states), start=1):
        of_state, of_image, deviation = schedule.step(state, target)
        z = of_state * z + of_image * predict(np.float32(z), state)
        if deviation:
            z = z + deviation * noise(index)
    return z


def image_from_noise(z, predicted_noise, signal, noise):
    """The image that a state and a prediction of its noise imply: (z - noise e) / signal."""
    return (z - noise * predicted_noise) / signal


def pixel_noise(seed, step, rows, columns, channels=3):
    """Standard normal noise that is a function of the seed, the step and the position of a pixel in the whole image.

    So a tile has the noise of the whole image.

    Args:
        seed: int from 0 to 2^32 - 1.
        step: number of the step.
        rows: (first, stop) of the rows.
        columns: (first, stop) of the columns.
        channels: values per pixel.

    Returns:
        float32 [rows, columns, channels].
    """
    first, stop = columns
    return np.stack(
        [
            np.random.default_rng((seed, step, row)).standard_normal((stop, channels), np.float32)[first:]
            for row in range(*rows)
        ]
    )
