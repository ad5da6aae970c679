"""The training loop, the same for both phases."""

import logging
import math
import time

from srgan_tf.training.checkpoints import DivergedError
from srgan_tf.training.optimizers import current_learning_rate

_log = logging.getLogger(__name__)


def train_phase(
    state, train_step, batches, *, steps, reporting, reporter, profiler, validate, save, interruption, max_skipped
):
    """Trains to the end of a phase, and reports, validates and saves on the way.

    Args:
        state: the `TrainingState`, at the step where `batches` begin.
        train_step: from `make_pretrain_step` or `make_gan_step`.
        batches: iterable of `(lr, hr)` for the steps that are left.
        steps: length of the phase.
        reporting: the settings of `Config.reporting`.
        reporter: a `Reporter`.
        profiler: a `Profiler`.
        validate: function of no arguments, called when scores are due, that reports them.
        save: function of no arguments, called when a checkpoint is due.
        interruption: an `Interruption`: when there is one, the loop saves and leaves.
        max_skipped: so many skipped steps in a row, seen when a report is due, are a divergence.

    Raises:
        DivergedError: a loss is not finite, or too many steps were skipped. Nothing is saved then, and `save` refuses
            weights that are not finite: the last checkpoint is from before.
    """
    step = int(state.step.numpy())
    window = Window()
    batches = iter(batches)
    while step < steps:
        begin = time.perf_counter()
        lr, hr = next(batches)
        got = time.perf_counter()
        report = train_step(lr, hr)
        window.add(report, waited=got - begin)
        window.seconds += time.perf_counter() - begin
        step += 1
        profiler.after_step()

        logging, saving, validating = (
            due(step, every, steps)
            for every in (reporting.log_every, reporting.checkpoint_every, reporting.validate_every)
        )
        if logging or saving or validating:
            scalars = window.scalars()
            _require_progress(state, scalars, step, max_skipped)
            reporter.progress(step, scalars | _settings_of(state), report.logits, window)
            window = Window()
        elif reporter.status_due():
            reporter.status(step, window.scalars(), window)
        # Saved first: a validation that fails must not cost the steps before it.
        if saving or interruption.signal:
            save()
        if interruption.signal:
            _log.warning("saved at step %d; the same command goes on from there", step)
            interruption.leave()
        if validating:
            validate()


def due(step, every, steps):
    """Whether what happens every so many steps, and at the end of the phase, happens at a step."""
    return step % every == 0 or step == steps


class Window:
    """The steps since the last report.

    Attributes:
        steps: how many.
        seconds: that they took together, with the wait for their batches.
        waited: seconds of that in which no batch was ready.
    """

    def __init__(self):
        self.steps = 0
        self.seconds = 0.0
        self.waited = 0.0
        self._scalars = []

    def add(self, report, *, waited):
        """Takes one step in.

        The step before the last is waited for: the host may run ahead of the device by no more than two steps, else it
        would only seem to wait for batches.
        """
        self._scalars.append(report.scalars)
        self.steps += 1
        self.waited += waited
        if self.steps > 2:
            self._scalars[-3] = {tag: float(value) for tag, value in self._scalars[-3].items()}

    def scalars(self):
        """Means over the steps that were not skipped, floats by tag, and "guard/skipped", the number of the others."""
        rows = [{tag: float(value) for tag, value in row.items()} for row in self._scalars]
        counted = [row for row in rows if not row["guard/skipped"]]
        tags = counted[0].keys() - {"guard/skipped"} if counted else ()
        means = {tag: math.fsum(row[tag] for row in counted) / len(counted) for tag in sorted(tags)}
        return means | {"guard/skipped": float(len(rows) - len(counted))}


def _settings_of(state):
    """What changes by a schedule or by itself."""
    players = {"generator": (state.g_optimizer, state.g_loss_scale)}
    if state.discriminator is not None:
        players["discriminator"] = state.d_optimizer, state.d_loss_scale
    scalars = {}
    for name, (optimizer, loss_scale) in players.items():
        scalars[f"learning_rate/{name}"] = current_learning_rate(optimizer)
        if loss_scale.dynamic:
            scalars[f"loss_scale/{name}"] = float(loss_scale.value.numpy())
    return scalars


def _require_progress(state, scalars, step, max_skipped):
    in_a_row = int(state.skipped_in_a_row.numpy())
    if in_a_row >= max_skipped:
        raise DivergedError(step, f"the gradients of the last {in_a_row} steps were not finite")
    wrong = [f"{tag} = {value}" for tag, value in scalars.items() if not math.isfinite(value)]
    if wrong:
        raise DivergedError(step, ", ".join(wrong))
