"""Optimizers and learning-rate schedules from the settings."""

import keras


def make_schedule(learning_rate, steps):
    """The Keras schedule of a phase.

    Args:
        learning_rate: a `LearningRate` of the settings.
        steps: length of the phase.
    """
    schedules = keras.optimizers.schedules
    if learning_rate.decay == "step":
        boundaries = [round(milestone * steps) for milestone in learning_rate.milestones]
        values = [learning_rate.initial * learning_rate.factor**n for n in range(len(boundaries) + 1)]
        # Keras changes after its boundary step, papers at it.
        return schedules.PiecewiseConstantDecay([boundary - 1 for boundary in boundaries], values)
    if learning_rate.decay == "cosine":
        return schedules.CosineDecayRestarts(
            learning_rate.initial,
            # Not rounded: the remainder of the phase would begin one cycle more, at the full rate.
            first_decay_steps=steps / learning_rate.cycles,
            t_mul=1.0,
            m_mul=1.0,
            alpha=learning_rate.final / learning_rate.initial,
        )
    return learning_rate.initial


def make_optimizer(learning_rate, steps, variables, *, precision):
    """Adam with the betas of the SRGAN paper (0.9, 0.999), built for the variables; float16 gets a loss scaler."""
    optimizer = keras.optimizers.Adam(make_schedule(learning_rate, steps), beta_1=0.9, beta_2=0.999)
    if precision == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    optimizer.build(variables)
    return optimizer


def current_learning_rate(optimizer):
    """The learning rate of the next step, a float."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # a loss scaler holds the one that has the schedule
    return float(inner.learning_rate)
