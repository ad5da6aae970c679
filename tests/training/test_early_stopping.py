import json
import logging

import pytest
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.early_stopping import check_early_stopping, early_stop


def write(workdir, phase, **scores):
    """Appends a validation every 10 steps with the scores, and a row without scores between two."""
    with (workdir / "metrics.jsonl").open("a") as file:
        for index, values in enumerate(zip(*scores.values(), strict=True), start=1):
            row = {"phase": phase, "step": 10 * index}
            file.write(json.dumps(row | {"loss/generator/total": 0.5}) + "\n")
            named = {f"eval/{metric}": value for metric, value in zip(scores, values, strict=True)}
            file.write(json.dumps(row | named) + "\n")


@pytest.mark.parametrize(
    ("scores", "patience", "step"),
    [
        ([20.0, 21.0, 22.0], 1, None),
        ([20.0, 21.0, 20.5], 1, 30),
        ([20.0, 21.0, 21.0], 1, 30),  # an equal score is no better
        ([20.0, 21.0, 20.5], 2, None),
        ([20.0, 21.0, 20.5, 20.9, 22.0], 2, 40),  # what came later does not matter
        ([20.0, 19.0, 20.5, 20.0], 2, None),
        ([20.0, None, None], 2, 30),  # not finite
        ([20.0, 19.0, 18.0, 17.0], 0, None),
    ],
)
def test_patience(tmp_path, scores, patience, step):
    write(tmp_path, "pretrain", psnr_y=scores)
    assert early_stop(tmp_path, "pretrain", patience) == step


def test_a_phase_without_scores_continues(tmp_path):
    assert early_stop(tmp_path, "gan", 1) is None
    write(tmp_path, "pretrain", psnr_y=[20.0, 19.0, 18.0])
    assert early_stop(tmp_path, "gan", 1) is None
    assert early_stop(tmp_path, "pretrain", 2) == 30


def test_the_gan_phase_uses_stlpips_or_else_the_perceptual_score_or_else_psnr(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    write(
        tmp_path, "gan", psnr_y=[26.0, 25.0, 24.0, 23.0], perceptual=[0.4, 0.3, 0.5, 0.6], stlpips=[0.4, 0.3, 0.2, 0.1]
    )
    assert early_stop(tmp_path, "gan", 2) is None
    other = tmp_path / "other"
    other.mkdir()
    write(other, "gan", psnr_y=[26.0, 25.0, 24.0, 23.0], perceptual=[0.4, 0.3, 0.5, 0.6])
    assert early_stop(other, "gan", 2) == 40
    assert (
        "gan: stops early at step 40: no better perceptual in 2 validations; the best is 0.3 at step 20" in caplog.text
    )
    last = tmp_path / "last"
    last.mkdir()
    write(last, "gan", psnr_y=[26.0, 25.0, 24.0])
    assert early_stop(last, "gan", 2) == 30


def test_several_machines_are_refused():
    config = with_settings(presets.tiny(), ["gan.patience=3"])
    check_early_stopping(config, tf.distribute.get_strategy())
    check_early_stopping(presets.tiny(), tf.distribute.get_strategy())
