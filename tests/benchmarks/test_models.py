import re

from benchmarks import models
from srgan_tf.config import presets
from srgan_tf.networks.generators import GENERATORS
from srgan_tf.training.state import build_network


def test_a_row_for_each_preset(caplog):
    caplog.set_level("INFO")
    models.main(["--preset", "tiny", "--side", "8", "--repeats", "1"])
    config = presets.load_preset("tiny")
    parameters = build_network("generator", GENERATORS, config.generator, scale=config.scale).count_params()
    row = rf"^\| `tiny` \| {parameters:,} \| [\d.e-]+ \| [\d.e-]+ \| (\d+|-) \|$"
    assert len(re.findall(row, "\n".join(caplog.messages), re.MULTILINE)) == 1
