import logging
import re

import pytest

from srgan_tf.bench import upscale
from srgan_tf.models.generators import srresnet


def test_operations_by_hand():
    # 16 blocks at 128x128, convolutions alone: 33 of 3x3 64 -> 64, the head, the upsamplers at one and two times the
    # size, the tail at four times: 0.277 MFLOP an output pixel.
    pixels = 128 * 128
    expected = 2 * pixels * (33 * 9 * 64 * 64 + 81 * 3 * 64 + (1 + 4) * 9 * 64 * 256 + 16 * 81 * 64 * 3)
    assert upscale.operations(srresnet(), 128) == expected
    assert expected / (16 * pixels) == pytest.approx(0.277e6, rel=0.01)


def test_it_measures(caplog):
    caplog.set_level(logging.INFO)
    upscale.main(["--sizes", "8", "--rounds", "1", "--blocks", "1", "--filters", "8"])
    text = "\n".join(caplog.messages)
    assert "8x8 -> 32x32" in text
    assert "GFLOP/s: the floor is" in text
    rows = re.findall(r"^(srgan_tf|Keras as written) +[\d.]+ +[\d.]+ +[\d.]+ +\d+% +[\d.]+x$", text, re.MULTILINE)
    assert set(rows) == {"srgan_tf", "Keras as written"}
