import logging
import re

import pytest

from benchmarks import upscale


@pytest.mark.slow
def test_it_measures(caplog):
    caplog.set_level(logging.INFO)
    upscale.main(["--sizes", "8", "--rounds", "1", "--blocks", "1", "--filters", "8"])
    text = "\n".join(caplog.messages)
    assert "8x8 -> 32x32" in text
    assert "GFLOP/s: the floor is" in text
    row = r"^(srgan_tf|Keras as written) float32 +[\d.]+ +[\d.]+ +[\d.]+ +\d+% +[\d.]+x$"
    assert set(re.findall(row, text, re.MULTILINE)) == {"srgan_tf", "Keras as written"}
