"""Lengths of the phases in epochs: passes over the training pictures."""

import dataclasses
import logging
import math

from srgan_tf.training.names import PHASES

_log = logging.getLogger(__name__)


def epochs_of(step, batch_size, pictures):
    """The number of epochs that `step` steps are: passes over `pictures` training pictures."""
    return step * batch_size / pictures


def with_steps(config, pictures):
    """The settings with the number of steps of each phase whose length is given in epochs.

    An epoch is as many patches as there are training pictures. The last step of a phase may go beyond the last epoch.

    Args:
        config: a `Config`.
        pictures: number of training pictures.
    """
    for name in PHASES:
        phase = getattr(config, name)
        if phase.epochs:
            steps = math.ceil(phase.epochs * pictures / config.data.batch_size)
            _log.info("%s: %g epochs of %d pictures are %d steps", name, phase.epochs, pictures, steps)
            config = dataclasses.replace(config, **{name: dataclasses.replace(phase, steps=steps)})
    return config
