"""The training loop, the same for both phases."""

import math

from srgan_tf.training.checkpoints import diverged
from srgan_tf.training.optimizers import current_learning_rate


def train_phase(state, train_step, batches, *, steps, reporting, reporter, validate, save):
    """Trains to the end of a phase, and reports, validates and saves on the way.

    Args:
        state: the `TrainingState`, at the step where `batches` begin.
        train_step: from `make_pretrain_step` or `make_gan_step`.
        batches: iterable of `(lr, hr)` for the steps that are left.
        steps: length of the phase.
        reporting: the settings of `Config.reporting`.
        reporter: a `Reporter`.
        validate: function of no arguments, called when scores are due, that returns `(scores, sheets)`.
        save: function of no arguments, called when a checkpoint is due.

    Raises:
        WorkError: a loss is not finite. Nothing is saved then, and `save` refuses weights that are not finite: the last
            checkpoint is from before.
    """
    step = int(state.step.numpy())
    pending = []  # scalars since the last report; reading them makes the device wait, so it is done seldom
    for lr, hr in batches:
        pending.append(train_step(lr, hr))
        step += 1

        def due(every, step=step):
            return step % every == 0 or step == steps

        if due(reporting.log_every) or due(reporting.validate_every) or due(reporting.checkpoint_every):
            scalars = _means(pending)
            pending = []
            _require_finite(scalars, step)
            rates = {"learning_rate/generator": current_learning_rate(state.g_optimizer)}
            if state.d_optimizer is not None:
                rates["learning_rate/discriminator"] = current_learning_rate(state.d_optimizer)
            reporter.progress(step, scalars | rates)
            # Saved first: a validation that fails must not cost the steps before it.
            if due(reporting.checkpoint_every):
                save()
            if due(reporting.validate_every):
                reporter.validation(step, *validate())
            reporter.pause()


def _means(pending):
    return {tag: math.fsum(float(scalars[tag]) for scalars in pending) / len(pending) for tag in pending[0]}


def _require_finite(scalars, step):
    wrong = [f"{tag} = {value}" for tag, value in scalars.items() if not math.isfinite(value)]
    if wrong:
        raise diverged(step, ", ".join(wrong))
