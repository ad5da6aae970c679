"""Checkpoints of a phase."""

import numpy as np
import tensorflow as tf

from srgan_tf.errors import WorkError


class Checkpoints:
    """The newest few states of one phase, in one folder.

    Args:
        folder: where they lie, such as `runs/srgan_x4/checkpoints/gan`.
        state: the `TrainingState` that is saved and restored.
        keep: how many stay.
    """

    def __init__(self, folder, state, *, keep):
        self._state = state
        self._checkpoint = state.checkpoint()
        self._manager = tf.train.CheckpointManager(self._checkpoint, str(folder), max_to_keep=keep)

    def save(self):
        """Saves the state under its step.

        Raises:
            WorkError: a weight is not finite. Nothing is saved then: the last checkpoint is from before.
        """
        step = int(self._state.step.numpy())
        for weight in self._state.weights():
            if not np.isfinite(weight.numpy()).all():
                raise diverged(step, f"{weight.path} is not finite")
        self._manager.save(checkpoint_number=step)

    def restore(self):
        """Restores the newest checkpoint into the state, if there is one.

        Returns:
            The step that was reached; 0 where there is none.
        """
        if self._manager.latest_checkpoint:
            # Everything saved must find its place, or the run would go on with part of it new.
            self._checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        return int(self._state.step.numpy())


def diverged(step, reason):
    """The error that ends a training whose numbers are lost."""
    return WorkError(
        f"training diverged by step {step}: {reason}. The last checkpoint is from before; "
        "try a lower learning rate (in a new --workdir) or precision=float32"
    )


def has_checkpoint(folder):
    """Whether a phase has saved anything in a folder."""
    return tf.train.latest_checkpoint(str(folder)) is not None
