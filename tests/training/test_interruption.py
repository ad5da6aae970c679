import signal

import pytest

from srgan_tf.training.interruption import delayed_signals


def test_a_machine_that_does_not_write_continues_until_the_first_has_saved():
    with delayed_signals(saves=False) as interruption:
        signal.raise_signal(signal.SIGTERM)
        assert interruption.signal is None


@pytest.fixture
def ctrl_c():
    """The handler of a terminal: a shell lets programs in the background ignore SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_a_second_signal_acts_at_once():
    before = signal.getsignal(signal.SIGINT)
    with delayed_signals() as interruption:
        signal.raise_signal(signal.SIGINT)
        assert interruption.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


def test_the_exit_code_after_sigterm_is_that_of_a_shell():
    with delayed_signals() as interruption:
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stopped:
        interruption.leave()
    assert stopped.value.code == 143
