import json
import logging
import math

import pytest
import tensorflow as tf

from srgan_tf.training.progress import Window
from srgan_tf.training.reporting import Reporter, drop_events, has_scores


@pytest.fixture
def window():
    window = Window()
    window.steps, window.seconds, window.waited = 10, 2.0, 0.1
    return window


def make_reporter(workdir, phase="pretrain", start_step=0, **options):
    return Reporter(workdir, phase, steps=40, start_step=start_step, batch_size=8, pictures=32, **options)


def rows(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def events(folder):
    return [
        tf.compat.v1.Event.FromString(record)
        for file in sorted(folder.glob("events.*"))
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    ]


def event_steps(folder):
    return [event.step for event in events(folder)]


def event_tags(folder):
    return [value.tag for event in events(folder) for value in event.summary.value]


def test_reports_after_the_restored_step_are_replaced(tmp_path, window):
    for phase in ("pretrain", "gan"):
        reporter = make_reporter(tmp_path, phase)
        for step in (10, 20, 30):
            reporter.progress(step, {"loss/generator/total": 1.0}, {}, window)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"phase": "gan", "st')  # killed while writing
    reporter = make_reporter(tmp_path, "gan", 15)
    reporter.progress(20, {"loss/generator/total": 1.0}, {}, window)
    assert [(row["phase"], row["step"]) for row in rows(tmp_path)] == [
        *(("pretrain", step) for step in (10, 20, 30)),
        ("gan", 10),
        ("gan", 20),
    ]
    assert set(event_steps(tmp_path / "tensorboard" / "pretrain")) == {0, 10, 20, 30}
    assert set(event_steps(tmp_path / "tensorboard" / "gan")) == {0, 10, 20}


def test_dropping_events_from_a_truncated_file(tmp_path):
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default():
        for step in (1, 2, 3):
            tf.summary.scalar("x", 0.5, step=step)
    writer.close()
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    drop_events(file, 9, scored=True)
    assert event_steps(tmp_path) == [0, 1, 2]
    whole = file.read_bytes()
    drop_events(file, 2, scored=True)
    assert file.read_bytes() == whole
    drop_events(file, 1, scored=True)
    assert event_steps(tmp_path) == [0, 1]


def test_an_incomplete_validation_is_repeated(tmp_path, window):
    """A validation is complete if metrics.jsonl has its row, which is written last."""
    reporter = make_reporter(tmp_path)
    reporter.progress(10, {"loss/generator/total": 1.0}, {}, window)
    reporter.validation(10, {"psnr_y": 30.0}, {})
    file = tmp_path / "metrics.jsonl"
    complete = file.read_text()
    make_reporter(tmp_path, start_step=10)
    assert event_tags(tmp_path / "tensorboard" / "pretrain").count("eval/psnr_y") == 1
    file.write_text(complete.splitlines()[0] + "\n")
    make_reporter(tmp_path, start_step=10)
    tags = event_tags(tmp_path / "tensorboard" / "pretrain")
    assert "eval/psnr_y" not in tags
    assert tags.count("loss/generator/total") == 1


def test_a_phase_that_begins_anew_has_no_events(tmp_path):
    make_reporter(tmp_path, start_step=None).describe({"a": 1})
    make_reporter(tmp_path, start_step=None).describe({"a": 1})
    assert event_tags(tmp_path / "tensorboard" / "pretrain").count("config") == 1
    make_reporter(tmp_path, start_step=0)
    assert event_tags(tmp_path / "tensorboard" / "pretrain").count("config") == 1


def test_speed_and_wait_worked_by_hand(tmp_path, window):
    make_reporter(tmp_path).progress(10, {}, {}, window)
    (row,) = rows(tmp_path)
    assert row["speed/images_per_second"] == 40.0  # 8 patches, 10 steps, 2 seconds
    assert row["speed/data_wait"] == pytest.approx(0.05)
    assert row["memory/peak_gib"] > 0.01


def test_epochs_are_reported_with_steps(tmp_path, window):
    reporter = make_reporter(tmp_path)
    reporter.progress(10, {}, {}, window)  # 80 patches of 32 pictures
    reporter.progress(40, {}, {}, window)
    assert [row["epoch"] for row in rows(tmp_path)] == [2.5, 10.0]
    assert "epoch" in event_tags(tmp_path / "tensorboard" / "pretrain")


def test_the_status_line(tmp_path, window, caplog):
    caplog.set_level(logging.INFO)
    reporter = make_reporter(tmp_path)
    reporter.progress(10, {"loss/generator/total": 0.5}, {}, window)
    assert caplog.text == ""  # one every few seconds
    reporter.progress(40, {"loss/generator/total": 0.5}, {}, window)
    assert "pretrain 40/40  epoch 10.0/10.0  generator 0.5  40 images/s  0.2 s/step  0:00 min left" in caplog.text
    assert "data-bound" not in caplog.text
    window.waited = 1.0
    reporter.status(30, {"loss/generator/total": 0.5, "guard/skipped": 2.0}, window)
    assert "0:02 min left  skipped 2 steps  data-bound: 50% of the time waits for data" in caplog.text


def test_alarms_are_written(tmp_path, window):
    reporter = make_reporter(tmp_path)
    for step in (1, 2, 3):
        reporter.progress(step, {"sr/saturated": 0.5}, {}, window)
    assert [row["alarm/saturation"] for row in rows(tmp_path)] == [0.0, 0.0, 1.0]


def test_alarm_counters_survive_a_resume(tmp_path, window, caplog):
    first = make_reporter(tmp_path)
    for step in (1, 2, 3):
        first.progress(step, {"sr/saturated": 0.5, "accuracy/real": math.nan}, {}, window)
    caplog.clear()
    resumed = make_reporter(tmp_path, start_step=2)
    assert "saturates" not in caplog.text
    resumed.progress(3, {"sr/saturated": 0.5}, {}, window)
    assert [row["alarm/saturation"] for row in rows(tmp_path)] == [0.0, 0.0, 1.0]
    assert "saturates" in caplog.text
    make_reporter(tmp_path, start_step=3).progress(4, {"sr/saturated": 0.5}, {}, window)
    assert caplog.text.count("saturates") == 1  # logged once


def test_a_reporter_that_does_not_write(tmp_path, window, caplog):
    caplog.set_level(logging.INFO)
    reporter = make_reporter(tmp_path, writes=False)
    reporter.describe({"a": 1})
    reporter.progress(40, {"loss/generator/total": 0.5}, {}, window)
    reporter.validation(40, {"psnr_y": 30.0}, {})
    assert list(tmp_path.iterdir()) == []
    assert caplog.text == ""


def test_has_scores_finds_reported_validations(tmp_path):
    file = tmp_path / "metrics.jsonl"
    assert not has_scores(file, "gan", 5)
    file.write_text('{"phase": "gan", "step": 5, "loss": 1}\n{"phase": "gan", "step": 6, "eval/psnr_y": 30}\n')
    assert not has_scores(file, "gan", 5)
    assert has_scores(file, "gan", 6)
    assert not has_scores(file, "pretrain", 6)


def test_damaged_rows_are_dropped(tmp_path):
    good = '{"phase": "gan", "step": 5, "loss": 1}\n'
    (tmp_path / "metrics.jsonl").write_bytes(
        b'null\n[3]\n{"step": 4}\n{"phase": "gan", "step": null}\n\xff\n' + good.encode()
    )
    make_reporter(tmp_path, "gan", 5)
    assert (tmp_path / "metrics.jsonl").read_text() == good
