import io
import sys

from srgan_tf.data import progress
from srgan_tf.data.progress import with_progress


def test_a_bar_on_a_terminal(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    assert list(with_progress(iter("abc"), 3, "photos: decoded")) == ["a", "b", "c"]
    assert "photos: decoded: 100%" in terminal.getvalue()


def test_log_lines_without_a_terminal(monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(progress, "_REPORT_SECONDS", -1)
    assert list(with_progress(iter("abc"), 3, "photos: decoded")) == ["a", "b", "c"]
    assert caplog.messages == [f"photos: decoded {count} of 3 pictures" for count in (1, 2, 3)]
