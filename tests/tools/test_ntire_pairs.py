"""Stand-ins for NTIRE 2018's realistic tracks, as files."""

import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from srgan_tf.commands import cli
from srgan_tf.data.alignment import estimate_shift
from srgan_tf.data.sources import open_source
from srgan_tf.data.synthetic import draw_picture
from tools import ntire_pairs


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "photos"
    (folder / "a").mkdir(parents=True)
    for index, name in enumerate(("1.png", "a/2.png")):
        Image.fromarray(draw_picture(index, 150, 133)).save(folder / name)
    return folder


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["ntire_pairs", *map(str, arguments)])
    return cli.execute(ntire_pairs.main)


def test_pairs_are_read_by_the_name_of_the_configuration(pictures, tmp_path, monkeypatch):
    for track, split in (("mild", "train"), ("wild", "train"), ("wild", "valid")):
        output = tmp_path / track
        assert run(monkeypatch, pictures, "--track", track, "--split", split, "--output", output, "--shift", "2") == 0
        source = open_source(f"{output}:realistic_{track}_x4", split=split, scale=4)
        assert source.misaligned
        pairs = list(source)
        suffixes = [f"x4w{number}" for number in "1234"] if (track, split) == ("wild", "train") else [""]
        if (track, split) == ("wild", "valid"):
            suffixes = ["x4w"]
        assert [pair.name for pair in pairs] == [name + suffix for name in ("1", "a/2") for suffix in suffixes]
        for pair in pairs:
            # 150 - 2 * 8 and 133 - 2 * 8, cropped to multiples of 4.
            assert pair.hr.shape == (132, 116, 3)
            index = 0 if pair.name.startswith("1") else 1
            np.testing.assert_array_equal(pair.hr, draw_picture(index, 150, 133)[8:140, 8:124])


@pytest.mark.parametrize(("track", "tolerance"), [("mild", 0.1), ("difficult", 0.2)])
def test_lr_is_shifted_by_what_was_drawn(track, tolerance):
    picture = draw_picture(5, 300, 260)
    for name in ("a", "b", "c"):
        hr, versions = ntire_pairs.make_pairs(picture, name, track, "train", 3)
        ((suffix, lr),) = versions.items()
        rng = np.random.default_rng([zlib.crc32(text.encode()) for text in (track, name + suffix)])
        drawn = rng.uniform(-12, 12, 2) / 4
        assert np.abs(drawn).max() > 0.5
        np.testing.assert_allclose(estimate_shift(lr, hr, 4), drawn, atol=tolerance)


def test_without_shift_lr_and_hr_show_the_same():
    hr, versions = ntire_pairs.make_pairs(draw_picture(5, 301, 262), "a", "mild", "valid", 0)
    assert hr.shape == (300, 260, 3)
    assert list(versions) == ["x4m"]
    np.testing.assert_allclose(estimate_shift(versions["x4m"], hr, 4), (0, 0), atol=0.05)


def test_mistakes_are_named(pictures, tmp_path, monkeypatch, capsys):
    flags = ["--track", "mild", "--split", "train"]
    assert run(monkeypatch, pictures, *flags, "--output", pictures) == 2
    assert "overlaps the input" in capsys.readouterr().err
    small = tmp_path / "small"
    small.mkdir()
    Image.fromarray(draw_picture(0, 40, 80)).save(small / "tiny.png")
    assert run(monkeypatch, small, *flags, "--output", tmp_path / "out", "--shift", "5") == 1
    assert "tiny.png' is too small for shifts of 5 LR pixels" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(monkeypatch, small, *flags, "--output", tmp_path / "out", "--shift", "11")
