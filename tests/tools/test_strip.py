"""The strip of README.md: its columns, its crop, and its flags."""

import argparse
import sys

import numpy as np
import pytest
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.images.comparison import nearest
from tools import strip


class Nearest:
    """Repeats each pixel 4x4 times."""

    def upscale(self, picture):
        return nearest(picture, 4)


def columns_of(sheet, count, top, height, width, margin=4):
    """The pictures of the strip's first row."""
    starts = [column * (width + margin) for column in range(count)]
    return [sheet[top : top + height, left : left + width] for left in starts]


def test_columns_are_bicubic_then_models_then_hr(rng):
    hr = np.repeat(np.repeat(rng.integers(0, 256, (32, 48, 3), dtype=np.uint8), 4, axis=0), 4, axis=1)
    sheet = strip.draw_strip(hr, {"n": Nearest()}, zoom=8)
    caption = sheet.shape[0] - 128 - 128 - 2 * 4
    bicubic, model, reference = columns_of(sheet, 3, caption, 128, 192)
    frame = np.any(reference != hr, axis=-1)  # the marked detail: 16x24 pixels with a frame 2 pixels wide
    assert 0 < frame.sum() <= 16 * 24 - 12 * 20
    assert (
        np.abs(model[~frame].astype(int) - hr[~frame]).mean() < np.abs(bicubic[~frame].astype(int) - hr[~frame]).mean()
    )


def test_crop_is_cut_after_the_whole_picture_is_upscaled(rng):
    hr = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    seen = []

    class Recorder(Nearest):
        def upscale(self, picture):
            seen.append(picture.shape)
            return super().upscale(picture)

    sheet = strip.draw_strip(hr, {"n": Recorder()}, crop=(8, 16, 64, 80), zoom=8)
    assert seen == [(24, 24, 3)]
    reference = columns_of(sheet, 3, sheet.shape[0] - 64 - 64 - 2 * 4, 64, 80)[2]
    assert np.mean(np.all(reference == hr[8:72, 16:96], axis=-1)) > 0.9  # all but the frame of the detail


def test_photographs_are_cropped_to_multiples_of_four(tmp_path):
    Image.fromarray(np.zeros((41, 50, 3), np.uint8)).save(tmp_path / "a.png")
    assert strip.read_photograph(str(tmp_path / "a.png")).shape == (40, 48, 3)
    assert strip.read_photograph("chelsea").shape == (300, 448, 3)


def test_lr_can_be_compressed(rng):
    hr = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    clean, compressed = strip.downscale(hr), strip.downscale(hr, 40)
    assert clean.shape == compressed.shape == (16, 16, 3)
    assert np.abs(clean.astype(int) - compressed).mean() > 5


def test_crop_is_four_numbers():
    assert strip.parse_crop("0x4x8x16") == (0, 4, 8, 16)
    for wrong in ("0x4x8", "0x0x0x8", "ax1x2x3", "-1x0x8x8"):
        with pytest.raises(argparse.ArgumentTypeError, match=wrong):
            strip.parse_crop(wrong)


def test_the_program_writes_the_strip_and_the_lr(tmp_path, monkeypatch, capsys):
    output, lr = tmp_path / "new" / "strip.png", tmp_path / "lr.png"
    arguments = ["chelsea", "--model", "b=bicubic", "--crop", "0x0x64x64", "--output", str(output), "--lr", str(lr)]
    monkeypatch.setattr(sys, "argv", ["strip", *arguments])
    assert cli.execute(strip.main) == 0
    with Image.open(output) as sheet, Image.open(lr) as small:
        assert sheet.width >= 3 * 64
        assert small.size == (112, 75)
    monkeypatch.setattr(sys, "argv", ["strip", *arguments[:4], "280x0x64x64", *arguments[5:]])
    assert cli.execute(strip.main) == 2
    assert "280" in capsys.readouterr().err
