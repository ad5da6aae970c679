from srgan_tf.training.profiler import Profiler


def test_a_trace_that_ends_early_is_stopped(tmp_path):
    for _ in range(2):  # a second trace cannot start while another one runs
        with Profiler(tmp_path, enabled=True) as profiler:
            for _ in range(12):
                profiler.after_step()
    assert list(tmp_path.rglob("*.xplane.pb"))


def test_nothing_is_written_unless_enabled(tmp_path):
    with Profiler(tmp_path, enabled=False) as profiler:
        for _ in range(12):
            profiler.after_step()
    assert list(tmp_path.iterdir()) == []
