import numpy as np
import pytest
import tensorflow as tf

from srgan_tf.data.pairs import make_pair
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.training import validation
from srgan_tf.training.validation import BEST, colour_drift, grid, installed_stlpips, sample_sheet, validate


def test_colour_drift_worked_by_hand():
    lr = np.full((6, 5, 3), 100, np.uint8)
    sr = np.full((24, 20, 3), 100, np.uint8)
    assert colour_drift(lr, sr) == 0.0
    sr[..., 1] = 103
    assert colour_drift(lr, sr) == 3.0
    sr[..., 2] = 95
    assert colour_drift(lr, sr) == 5.0
    # Detail with a mean of zero is no drift.
    checkered = np.where(np.indices((24, 20)).sum(0) % 2, 90, 110).astype(np.uint8)
    assert colour_drift(lr, np.repeat(checkered[..., None], 3, 2)) < 0.5


def test_scores_sheets_and_the_perceptual_score():
    pairs = [make_pair(name, draw_picture(index, 68, 92), 4) for index, name in enumerate(("a/b", "c"))]
    seen = []

    def perceptual(outputs):
        seen.append((outputs.hr.shape, outputs.sr.dtype))
        return tf.reduce_mean(tf.abs(outputs.hr - outputs.sr))

    scores, sheets = validate(BicubicUpscaler(4), pairs, samples=1, perceptual=perceptual)
    assert {"psnr_y", "ssim_y", "perceptual", "colour_drift"} <= scores.keys()
    assert 0 < scores["perceptual"] < 1
    assert scores["colour_drift"] < 1
    assert seen == [((1, 68, 92, 3), tf.float32)] * 2
    assert list(sheets) == ["0-a-b"]
    assert "perceptual" not in validate(BicubicUpscaler(4), pairs, samples=0)[0]


def test_the_perceptual_score_uses_the_centre_of_a_large_picture():
    pair = make_pair("large", draw_picture(0, 520, 700), 4)

    def perceptual(outputs):
        np.testing.assert_array_equal(np.round(outputs.hr[0] * 255.0), pair.hr[4:516, 94:606])
        return tf.constant(0.5)

    assert validate(BicubicUpscaler(4), [pair], samples=0, perceptual=perceptual)[0]["perceptual"] == 0.5


@pytest.mark.slow
def test_stlpips_compares_the_centres_of_hr_and_sr():
    pairs = [make_pair("large", draw_picture(0, 520, 700), 4), make_pair("small", draw_picture(1, 68, 92), 4)]
    seen = []

    def stlpips(hr, sr):
        seen.append((hr, sr))
        return float(len(seen))

    scores, _ = validate(BicubicUpscaler(4), pairs, samples=0, stlpips=stlpips)
    assert scores["stlpips"] == 1.5
    np.testing.assert_array_equal(seen[0][0], pairs[0].hr[4:516, 94:606])
    assert [sr.shape for _, sr in seen] == [(512, 512, 3), (68, 92, 3)]
    assert "stlpips" not in validate(BicubicUpscaler(4), pairs, samples=0)[0]
    assert BEST["stlpips"] is False  # lower is better


def test_pictures_too_small_for_a_score_leave_it_out():
    pairs = [make_pair(str(side), draw_picture(0, side, side), 4) for side in (68, 28)]
    scores, _ = validate(BicubicUpscaler(4), pairs, samples=0, stlpips=lambda hr, sr: 0.5)
    assert "psnr_y" in scores
    assert not {"grid", "stlpips"} & scores.keys()


def test_missing_weights_of_stlpips_are_one_line_of_the_log(monkeypatch, caplog):
    def missing():
        raise UserError("stlpips needs parameters that are not installed: pip install x")

    monkeypatch.setattr(validation, "load_stlpips", missing)
    caplog.set_level("INFO")
    assert installed_stlpips() is None
    assert caplog.messages == [
        "validation without ST-LPIPS: stlpips needs parameters that are not installed: pip install x"
    ]


@pytest.mark.parametrize("shape", [(68, 92), (300, 260), (1000, 37 * 4)])
def test_a_sheet_shows_one_place_in_every_column(shape):
    """With SR equal to HR both columns are the same picture, whatever the offset of the middle."""
    pair = make_pair("x", draw_picture(3, *shape), 4)
    sheet = sample_sheet(pair, pair.hr, 4)
    with_lr_of_sr = sample_sheet(pair, np.roll(pair.hr, 4, 0), 4)
    assert sheet.dtype == np.uint8
    assert sheet.shape == with_lr_of_sr.shape
    assert (sheet != with_lr_of_sr).any()


def test_grid_of_a_picture_and_of_one_with_a_grid():
    hr = draw_picture(0, 96, 96)
    assert grid(hr, hr, 4) == 1.0
    sr = hr.astype(int)
    sr[::4, ::4] += 24
    assert grid(hr, np.clip(sr, 0, 255).astype(np.uint8), 4) > 2
