"""The figures of the steps between two reports, and the check that they are finite."""

import math

from srgan_tf.training import names
from srgan_tf.training.checkpoints import DivergedError
from srgan_tf.training.optimizers import current_learning_rate


def due(step, every, steps):
    """Whether something that happens every `every` steps, and at the end of the phase, happens at this step."""
    return step % every == 0 or step == steps


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
        self._scalars = []

    def add(self, result, *, waited):
        """Adds one step.

        It waits for the step before the last one. The host may be at most two steps ahead of the device; otherwise the
        time for steps would look like time spent waiting for batches.

        Args:
            result: a `StepResult`.
            waited: seconds until its batch was ready.
        """
        self._scalars.append(result.scalars)
        self.steps += 1
        self.waited += waited
        if self.steps > 2:
            self._scalars[-3] = _floats(self._scalars[-3])

    def scalars(self):
        """Means over the steps that were not skipped, floats by tag, and `names.SKIPPED`, the number of the others."""
        rows = [_floats(row) for row in self._scalars]
        counted = [row for row in rows if not row[names.SKIPPED]]
        # Steps that update only the discriminator have no scalars of the generator.
        columns = {tag: [row[tag] for row in counted if tag in row] for row in counted for tag in row}
        columns.pop(names.SKIPPED, None)
        means = {tag: math.fsum(values) / len(values) for tag, values in sorted(columns.items())}
        return means | {names.SKIPPED: float(len(rows) - len(counted))}


def _floats(scalars):
    return {tag: float(value) for tag, value in scalars.items()}


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
