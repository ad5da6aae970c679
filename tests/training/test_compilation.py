import pytest
import tensorflow as tf

from srgan_tf.training.compilation import compiled


def test_a_step_that_xla_cannot_compile_runs_without_it(caplog):
    total = tf.Variable(0.0)

    def step(x):
        total.assign_add(tf.reduce_sum(x))
        return tf.numpy_function(lambda x: x + 1, [x], tf.float32)

    function = compiled(step, jit=True)
    for _ in range(2):
        assert function(tf.constant([2.0, 3.0])).numpy().tolist() == [3.0, 4.0]
    assert float(total) == 10.0  # the attempt has changed nothing
    (message,) = caplog.messages
    assert message.startswith("XLA cannot compile the training step, so it runs without: ")


@pytest.mark.parametrize("jit", [False, True])
def test_a_step_is_compiled_once(caplog, jit):
    traces = []

    def step(x):
        traces.append(x)
        return 2.0 * x

    function = compiled(step, jit=jit)
    assert [float(function(tf.constant(value))) for value in (1.0, 4.0)] == [2.0, 8.0]
    assert len(traces) == 1
    assert not caplog.messages


def test_an_error_of_a_compiled_step_is_not_hidden(caplog):
    function = compiled(lambda x: 2.0 * x, jit=True)
    function(tf.constant(1.0))
    with pytest.raises(TypeError):
        function(tf.constant("text"))
    assert not caplog.messages
