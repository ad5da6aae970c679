"""The figures of the steps between two reports, and the check that they are finite."""

import math

import tensorflow as tf

from srgan_tf.training import names
from srgan_tf.training.checkpoints import DivergedError
from srgan_tf.training.optimizers import current_learning_rate


def due(step, every, steps):
    """Whether something that happens every `every` steps, and at the end of the phase, happens at this step."""
    return step % every == 0 or step == steps


# Number of steps that the host may be ahead of the device.
RUN_AHEAD = 10


class Window:
    """The steps since the last report.

    Attributes:
        steps: their number.
        seconds: their total time, with the wait for their batches.
        waited: seconds of it in which no batch was ready.
    """

    def __init__(self):
        self.steps = 0
        self.seconds = 0.0
        self.waited = 0.0
        self._unread = []  # `StepResult`s
        self._rows = []

    def add(self, result, *, waited):
        """Adds one step. Every `RUN_AHEAD` steps this waits for the device.

        Results are read together: each read waits for all steps that the device has been given, which then idles until
        the next one arrives. Without a limit, batches and results would fill the device's memory.

        Args:
            result: a `StepResult`.
            waited: seconds until its batch was ready.
        """
        self._unread.append(result)
        self.steps += 1
        self.waited += waited
        if len(self._unread) == RUN_AHEAD:
            self._read()

    def scalars(self):
        """Means over the steps that were not skipped, floats by tag, and `names.SKIPPED`, the number of the others."""
        self._read()
        counted = [row for row in self._rows if not row[names.SKIPPED]]
        # Steps that update only the discriminator have no scalars of the generator.
        columns = {tag: [row[tag] for row in counted if tag in row] for row in counted for tag in row}
        columns.pop(names.SKIPPED, None)
        means = {tag: math.fsum(values) / len(values) for tag, values in sorted(columns.items())}
        return means | {names.SKIPPED: float(len(self._rows) - len(counted))}

    def _read(self):
        if not self._unread:
            return
        values = iter(tf.concat([result.values for result in self._unread], 0).numpy().tolist())
        self._rows += [{tag: next(values) for tag in result.tags} for result in self._unread]
        self._unread.clear()


def optimizer_scalars(state):
    """Learning rates and, in float16, loss scales of a `TrainingState`: floats by tag."""
    networks = {names.GENERATOR: (state.g_optimizer, state.g_loss_scale)}
    if state.discriminator is not None:
        networks[names.DISCRIMINATOR] = state.d_optimizer, state.d_loss_scale
    scalars = {}
    for name, (optimizer, loss_scale) in networks.items():
        scalars[names.learning_rate_tag(name)] = current_learning_rate(optimizer)
        if loss_scale.dynamic:
            scalars[names.loss_scale_tag(name)] = float(loss_scale.value.numpy())
    return scalars


def check_progress(state, scalars, step, max_skipped):
    """Checks that the training has not diverged.

    Args:
        state: the `TrainingState`.
        scalars: floats by tag, of the steps since the last report.
        step: number of steps done.
        max_skipped: number of skipped steps in a row that counts as divergence.

    Raises:
        DivergedError: a scalar is not finite, or too many steps in a row were skipped.
    """
    in_a_row = int(state.skipped_in_a_row.numpy())
    if in_a_row >= max_skipped:
        raise DivergedError(step, f"the gradients of the last {in_a_row} steps were not finite")
    wrong = [f"{tag} = {value}" for tag, value in scalars.items() if not math.isfinite(value)]
    if wrong:
        raise DivergedError(step, ", ".join(wrong))
