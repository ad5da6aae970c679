import inspect
import itertools
import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.config.sections import LearningRate, Optimizer
from srgan_tf.training.optimizers import FusedAdam, current_learning_rate, make_optimizer, make_schedule


def at(schedule, step):
    return float(schedule(step))


def test_steps_fall_at_the_papers_steps():
    # SRGAN: 1e5 steps at 1e-4, then 1e5 at 1e-5.
    schedule = make_schedule(LearningRate(initial=1e-4, decay="step", milestones=(0.5,), factor=0.1), 200_000)
    assert [at(schedule, step) for step in (0, 99_999, 100_000, 199_999)] == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5])


def test_milestones_keep_their_place_in_a_shorter_run():
    rate = LearningRate(initial=1e-4, decay="step", milestones=(0.125, 0.25, 0.5, 0.75), factor=0.5)
    schedule = make_schedule(rate, 8)
    assert [at(schedule, step) / 1e-4 for step in range(8)] == pytest.approx(
        [1, 0.5, 0.25, 0.25, 0.125, 0.125, 0.0625, 0.0625]
    )


def test_cosine_cycles_restart_and_reach_their_end():
    schedule = make_schedule(LearningRate(initial=2e-4, decay="cosine", cycles=4, final=1e-7), 1000)
    for start in (0, 250, 500, 750):
        assert at(schedule, start) == pytest.approx(2e-4, rel=1e-4)
        assert at(schedule, start + 125) == pytest.approx((2e-4 + 1e-7) / 2, rel=1e-3)
        assert at(schedule, start + 249) == pytest.approx(1e-7, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "cycles"), [(1003, 4), (7, 3), (5, 1)])
def test_a_phase_never_ends_at_the_start_of_a_cycle(steps, cycles):
    schedule = make_schedule(LearningRate(initial=1.0, decay="cosine", cycles=cycles, final=0.0), steps)
    rates = [at(schedule, step) for step in range(steps)]
    restarts = sum(later > earlier for earlier, later in itertools.pairwise(rates))
    assert restarts == cycles - 1
    assert rates[-1] < 0.5


def test_constant():
    assert make_schedule(LearningRate(initial=3e-4), 10) == 3e-4


def test_optimizer_is_built_and_has_its_learning_rate():
    variable = keras.Variable([1.0])
    optimizer = make_optimizer(LearningRate(initial=3e-4), 10, [variable], tf.Variable(0))
    assert optimizer.built
    assert current_learning_rate(optimizer) == pytest.approx(3e-4)


def test_fused_adam_beside_keras(rng):
    first, other = rng.normal(size=(2, 7, 5)).astype(np.float32)
    rate = LearningRate(initial=1e-2, decay="cosine", cycles=1, final=1e-4)
    results, done = [], tf.Variable(0, dtype=tf.int64)
    for make in (
        lambda variables: make_optimizer(rate, 9, variables, done),
        lambda _: keras.optimizers.Adam(make_schedule(rate, 9), epsilon=1e-8),
    ):
        done.assign(0)
        variables = [keras.Variable(first), keras.Variable(other[0])]
        optimizer = make(variables)
        for step in range(5):
            done.assign(step)
            scale = 10.0 ** (2 - step)
            optimizer.apply([tf.constant(scale * other), tf.constant(scale * first[0])], variables)
        results.append([value.numpy() for value in [*variables, *optimizer.variables]])
    assert np.abs(results[0][0] - first).max() > 1e-2
    for fused, expected in zip(*results, strict=True):
        # The operation computes 1 - 0.999 in float32, with a relative error of 5e-5.
        np.testing.assert_allclose(fused, expected, rtol=1e-4, atol=1e-7)


def test_a_schedule_depends_on_the_step_of_the_phase_only():
    step, variable = tf.Variable(0, dtype=tf.int64), keras.Variable(1.0)
    rate = LearningRate(initial=1.0, decay="step", milestones=(0.5,), factor=0.1)
    optimizer = make_optimizer(rate, 10, [variable], step)
    for done, expected in ((0, 1.0), (4, 1.0), (5, 0.1), (9, 0.1)):
        step.assign(done)
        before = float(variable)
        optimizer.apply([tf.constant(1.0)], [variable])
        # The same gradient each time: Adam moves by the learning rate.
        assert before - float(variable) == pytest.approx(expected, rel=1e-3)
        assert current_learning_rate(optimizer) == pytest.approx(expected)


def test_the_private_names_of_keras_that_fused_adam_uses():
    source = inspect.getsource(FusedAdam.update_step)
    assert set(re.findall(r"self\.(_\w+)", source)) == set(FusedAdam.PRIVATE_NAMES)
    optimizer = make_optimizer(LearningRate(initial=1e-3), 10, [keras.Variable([1.0])], tf.Variable(0))
    assert all(hasattr(optimizer, name) for name in FusedAdam.PRIVATE_NAMES)


@pytest.mark.parametrize("name", FusedAdam.PRIVATE_NAMES)
def test_fused_adam_without_a_private_name_is_keras_adam(monkeypatch, name):
    calls = []
    monkeypatch.setattr(keras.optimizers.Adam, "update_step", lambda self, *arguments: calls.append(arguments))
    variable = keras.Variable([1.0])
    optimizer = make_optimizer(LearningRate(initial=1e-3), 10, [variable], tf.Variable(0))
    owner = next((cls for cls in type(optimizer).__mro__ if name in vars(cls)), optimizer)
    monkeypatch.delattr(owner, name)
    optimizer.update_step(tf.constant([1.0]), variable, 1e-3)
    assert len(calls) == 1
    assert calls[0][1] is variable


def updates(settings, gradients, start=1.0, rate=0.1, **options):
    """Values of one weight after each of the gradients."""
    variable = keras.Variable([start])
    optimizer = make_optimizer(
        LearningRate(initial=rate), len(gradients), [variable], tf.Variable(0), settings, **options
    )
    values = []
    for gradient in gradients:
        optimizer.apply([tf.constant([gradient])], [variable])
        values.append(float(variable[0]))
    return values


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.9, 0.99), (0.0, 0.9)])
@pytest.mark.parametrize("epsilon", [1e-7, 1e-8])
def test_adam_worked_by_hand(betas, epsilon):
    gradients = [3e-7, -1e-6, 5e-7]
    value, mean, square, expected = 1.0, 0.0, 0.0, []
    for step, gradient in enumerate(gradients, start=1):
        mean = betas[0] * mean + (1 - betas[0]) * gradient
        square = betas[1] * square + (1 - betas[1]) * gradient**2
        rate = 0.1 * (1 - betas[1] ** step) ** 0.5 / (1 - betas[0] ** step)
        value -= rate * mean / (square**0.5 + epsilon)
        expected.append(value)
    settings = Optimizer(beta_1=betas[0], beta_2=betas[1], epsilon=epsilon)
    assert updates(settings, gradients) == pytest.approx(expected, rel=1e-4)


def test_gradients_below_the_old_epsilon_move_the_weights_with_the_default():
    # The norm of 5e-7 over 36,864 weights that MSRResNet's kernels have at the start: 2.6e-9 each.
    gradients = 100 * [2.6e-9]
    old, new = (1.0 - updates(settings, gradients)[-1] for settings in (Optimizer(epsilon=1e-7), Optimizer()))
    assert new > 4 * old


def test_rmsprop_worked_by_hand():
    gradients = [2.0, -1.0, 0.5]
    value, square, expected = 1.0, 0.0, []
    for gradient in gradients:
        square = 0.99 * square + 0.01 * gradient**2
        value -= 0.1 * gradient / square**0.5
        expected.append(value)
    assert updates(Optimizer(name="rmsprop", beta_2=0.99), gradients) == pytest.approx(expected, rel=1e-4)


def test_the_epsilon_of_rmsprop_has_the_units_of_the_gradient():
    # PyTorch's formula with a constant gradient g, after the mean has settled: rate * g / (g + epsilon).
    for gradient, expected in ((1e-4, 0.1), (1e-10, 0.1 * 1e-10 / (1e-8 + 1e-10))):
        values = updates(Optimizer(name="rmsprop", beta_2=0.0), 2 * [gradient])
        assert values[0] - values[1] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_weight_decay_is_part_of_the_gradient(name):
    decayed = updates(Optimizer(name=name, weight_decay=0.25), [0.0], start=2.0)
    assert decayed == pytest.approx(updates(Optimizer(name=name), [0.5], start=2.0))
    assert decayed[0] < 2.0


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_weights_are_clipped_after_each_update(name):
    limit = 0.01
    settings = Optimizer(name=name)
    values = updates(settings, [-1.0, 1.0, 1.0, 1.0], start=0.0, rate=5e-3, clip_weights=limit)
    free = updates(settings, [-1.0, 1.0, 1.0, 1.0], start=0.0, rate=5e-3)
    assert max(map(abs, values)) <= limit * (1 + 1e-6)
    assert values != free or max(map(abs, free)) <= limit
    assert updates(settings, [-1e-3], start=0.5, rate=1e-4, clip_weights=limit) == [pytest.approx(limit)]


def test_without_a_limit_weights_are_not_clipped():
    assert updates(Optimizer(), [-1.0], start=5.0) == [pytest.approx(5.1)]


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (Optimizer(weight_decay=0.1), {}),
        (Optimizer(), {"clip_weights": 0.5}),
        (Optimizer(name="rmsprop", weight_decay=0.1), {"clip_weights": 0.5}),
    ],
)
def test_an_update_that_is_skipped_changes_nothing(settings, options):
    weights = [keras.Variable([1.0, -0.25]), keras.Variable([[0.125]])]
    optimizer = make_optimizer(LearningRate(initial=1e-3), 10, weights, tf.Variable(0), settings, **options)
    everything = [*weights, *optimizer.variables]
    gradients = [tf.constant([2.0, 3.0]), tf.constant([[1.0]])]
    zeros = [tf.zeros_like(gradient) for gradient in gradients]

    @tf.function
    def step(condition, *gradients):
        optimizer.apply_if(condition, list(gradients), weights)

    for _ in range(2):  # before the first update and after it
        before = [value.numpy() for value in everything]
        step(tf.constant(False), *zeros)
        for value, expected in zip(everything, before, strict=True):
            np.testing.assert_array_equal(value, expected, err_msg=value.path)
        step(tf.constant(True), *gradients)
        assert all((value.numpy() != old).any() for value, old in zip(weights, before, strict=False))
    assert int(optimizer.iterations) == 2


@pytest.mark.parametrize("name", ["adam", "rmsprop"])
def test_an_update_that_is_not_skipped_equals_a_plain_one(name, rng):
    results = []
    gradients = rng.normal(size=(4, 3)).astype(np.float32)
    for plain in (False, True):
        weight = keras.Variable([1.0, 2.0, 3.0])
        rate, settings = LearningRate(initial=0.1), Optimizer(name=name, weight_decay=0.01)
        optimizer = make_optimizer(rate, 10, [weight], tf.Variable(0), settings)
        for gradient in gradients:
            if plain:
                optimizer.apply([tf.constant(gradient)], [weight])
            else:
                optimizer.apply_if(tf.constant(True), [tf.constant(gradient)], [weight])
        results.append([value.numpy() for value in (weight, *optimizer.variables)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
