"""Optimizers, learning-rate schedules and float16's loss scale, from the settings."""

import keras
import tensorflow as tf

from srgan_tf.config.sections import Optimizer

# The defaults of Keras and PyTorch.
_INITIAL_SCALE = 2.0**15
_GROWTH_STEPS = 2_000
_LARGEST_SCALE = 2.0**24  # gradients of zero never overflow, and would let it grow to infinity


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


def make_optimizer(learning_rate, steps, variables, step, settings=None, *, clip_weights=0.0):
    """The optimizer of one network, built for its variables.

    Args:
        learning_rate: a `LearningRate` of the settings.
        steps: length of the phase.
        variables: the variables that it updates.
        step: variable, number of steps done in the phase. The optimizer's own count leaves out skipped steps and
            those that do not update this network, so that its schedule would not reach its end.
        settings: an `Optimizer` of the settings; None for its defaults.
        clip_weights: after each update, every variable is clipped to [-clip_weights, clip_weights]; 0 does not clip.
    """
    settings = settings or Optimizer()
    schedule = make_schedule(learning_rate, steps)
    rate = (lambda: schedule(step)) if callable(schedule) else schedule
    if settings.name == "rmsprop":
        # Keras adds epsilon under the square root, PyTorch outside of it.
        optimizer = ClippedRMSProp(rate, rho=settings.beta_2, epsilon=settings.epsilon**2)
    else:
        optimizer = ClippedAdam(rate, beta_1=settings.beta_1, beta_2=settings.beta_2, epsilon=settings.epsilon)
    optimizer.l2_decay = settings.weight_decay
    optimizer.clip_weights = clip_weights
    optimizer.build(variables)
    return optimizer


class _Skippable:
    """An optimizer whose update can be skipped without a branch.

    `tf.cond` on the gradients makes the host wait until the device has computed them; arithmetic does not.
    """

    update_if = None  # bool scalar, while `apply_if` runs

    def apply_if(self, condition, gradients, variables):
        """Updates the variables if a condition is true; else neither they nor the optimizer change.

        Args:
            condition: bool scalar.
            gradients: one for each variable; zeros if the condition is false.
            variables: those that the optimizer was built for.
        """
        self.update_if = condition
        try:
            self.apply(gradients, variables)
        finally:
            self.update_if = None
        self.iterations.assign_sub(1 - tf.cast(condition, self.iterations.dtype))

    def if_updated(self, value, otherwise):
        """A value, or another one in an update that is skipped."""
        return value if self.update_if is None else tf.where(self.update_if, value, otherwise)


class FusedAdam(_Skippable, keras.optimizers.Adam):
    """Adam as one fused TensorFlow operation: Keras's formula without a dozen passes over the weights.

    It needs Keras's private attributes `PRIVATE_NAMES`. Without them it is Keras's own Adam, whose moments decay in a
    step that is skipped.
    """

    PRIVATE_NAMES = ("_get_variable_index", "_momentums", "_velocities")

    def update_step(self, gradient, variable, learning_rate):
        """See `keras.optimizers.Optimizer`."""
        rate = self.if_updated(tf.cast(learning_rate, tf.float32), 0.0)
        if not all(hasattr(self, name) for name in self.PRIVATE_NAMES):
            return super().update_step(gradient, variable, rate)
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, tf.float32)
        return tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=rate,
            # With betas of 1 and a learning rate of 0, nothing changes.
            beta1=self.if_updated(self.beta_1, 1.0),
            beta2=self.if_updated(self.beta_2, 1.0),
            epsilon=self.epsilon,
            grad=gradient,
        )


class SkippableRMSProp(_Skippable, keras.optimizers.RMSprop):
    """Keras's RMSProp. Without Keras's private attributes `PRIVATE_NAMES`, its mean decays in a skipped step."""

    PRIVATE_NAMES = ("_get_variable_index", "_velocities")

    def update_step(self, gradient, variable, learning_rate):
        """See `keras.optimizers.Optimizer`."""
        if self.update_if is None or not all(hasattr(self, name) for name in self.PRIVATE_NAMES):
            return super().update_step(gradient, variable, learning_rate)
        mean = self._velocities[self._get_variable_index(variable)].value
        before = tf.identity(mean)
        super().update_step(gradient, variable, learning_rate)
        return mean.assign(tf.where(self.update_if, mean, before))


class _DecayAndClipping:
    """L2 weight decay before the update of a variable, weight clipping after it (Arjovsky et al. 2017 (WGAN)).

    Keras's own `weight_decay` is not added to the gradient: it is AdamW's.
    """

    l2_decay = 0.0
    clip_weights = 0.0

    def update_step(self, gradient, variable, learning_rate):
        """See `keras.optimizers.Optimizer`."""
        if self.l2_decay:
            gradient += self.if_updated(self.l2_decay, 0.0) * variable
        super().update_step(gradient, variable, learning_rate)
        if self.clip_weights:
            clipped = tf.clip_by_value(variable, -self.clip_weights, self.clip_weights)
            variable.assign(self.if_updated(clipped, variable))


class ClippedAdam(_DecayAndClipping, FusedAdam):
    """Adam with the attributes `l2_decay` and `clip_weights`."""


class ClippedRMSProp(_DecayAndClipping, SkippableRMSProp):
    """RMSProp with the attributes `l2_decay` and `clip_weights`."""


def current_learning_rate(optimizer):
    """The learning rate of the next step as a float."""
    return float(optimizer.learning_rate)


class LossScale(tf.Module):
    """What a loss is multiplied by so that float16 gradients neither vanish nor overflow (Micikevicius et al. 2018).

    Halved by a step whose gradients are not finite, doubled after 2,000 good ones. Keras's `LossScaleOptimizer` looks
    at one replica's gradients alone: an overflow on another then reaches the weights. Here the step votes first.

    Args:
        dynamic: False for float32 and bfloat16, which need none: the scale stays 1.
    """

    def __init__(self, dynamic):
        super().__init__()
        self.dynamic = dynamic
        self.value = tf.Variable(_INITIAL_SCALE if dynamic else 1.0, trainable=False, dtype=tf.float32)
        self._good_steps = tf.Variable(0, trainable=False, dtype=tf.int64)

    def update(self, finite):
        """Follows a step.

        Args:
            finite: bool scalar, whether the gradients were finite on every replica.
        """
        if not self.dynamic:
            return
        grown = self._good_steps + 1 >= _GROWTH_STEPS
        doubled, halved = tf.minimum(2.0 * self.value, _LARGEST_SCALE), tf.maximum(0.5 * self.value, 1.0)
        self.value.assign(tf.where(finite, tf.where(grown, doubled, self.value), halved))
        self._good_steps.assign(tf.where(finite & ~grown, self._good_steps + 1, tf.zeros_like(self._good_steps)))
