import re

import pytest

from benchmarks import train


@pytest.mark.soak
def test_a_row_for_each_phase_beside_the_plain_step(caplog, monkeypatch):
    caplog.set_level("INFO")
    # In this process: starting one with TensorFlow for each row would take most of the test's time.
    monkeypatch.setattr(train, "in_process", lambda function, *arguments: function(*arguments))
    monkeypatch.setattr(train, "matrix_product_rate", lambda precision: 1e9)
    small = ["generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=2"]
    settings = [text for setting in [*small, "gan.perceptual_weight=0"] for text in ("--set", setting)]
    flags = ["--batch-size", "2", "--hr-patch-size", "32", "--steps", "1", "--precision", "float32", "--jit", "off"]
    train.main(["--preset", "tiny", *flags, *settings])
    row = r"^(\w+) +float32 +off +[\d.]+ +([\d.]+) +\d+ +\d+% +[\d.]+$"
    rows = dict(re.findall(row, "\n".join(caplog.messages), re.MULTILINE))
    assert list(rows) == ["pretrain", "gan", "plain"]
    assert all(float(patches) > 0 for patches in rows.values())
