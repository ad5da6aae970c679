import numpy as np
import pytest

from srgan_tf.config.overrides import with_settings
from srgan_tf.config.schema import Config
from srgan_tf.data.pairs import make_pair
from srgan_tf.data.sources import open_source
from srgan_tf.data.store import StoredPicture
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.images.pictures import write_picture
from srgan_tf.images.resize import imresize
from srgan_tf.training.datasets import hold_out, load_datasets


def test_pictures_held_out_for_validation_are_not_trained_on(picture_folder):
    source = open_source(str(picture_folder), split="train", scale=4)
    train, valid = hold_out(source, 10)
    names = [[pair.name for pair in part] for part in (train, valid)]
    assert len(names[1]) == 1  # at most a tenth of twelve
    assert sorted(names[0] + names[1]) == [pair.name for pair in source]


def test_too_few_pictures_to_hold_one_out(picture_folder, caplog):
    source = open_source(str(picture_folder), split="train", scale=4).select(range(3))
    train, valid = hold_out(source, 10)
    assert (len(train), len(valid)) == (3, 1)
    assert "too few pictures" in caplog.text


@pytest.mark.parametrize(
    ("name", "align", "side"),
    [("realistic_mild_x4", "auto", 72), ("realistic_mild_x4", "off", 80), ("unknown_x4", "auto", 80)],
)
def test_shifted_pairs_are_aligned(tmp_path, name, align, side):
    """LR shows HR moved by 8 pixels down and right, which is 2 LR pixels."""
    kind, suffix = ("mild", "m") if "mild" in name else ("unknown/X4", "")
    for split, number in (("train", "0001"), ("valid", "0801")):
        large = draw_picture(int(number), 88, 88)
        for part, picture in (("HR", large[8:, 8:]), (f"LR_{kind}", make_pair("", large[:80, :80], 4).lr)):
            file = tmp_path / f"DIV2K_{split}_{part}" / (f"{number}.png" if part == "HR" else f"{number}x4{suffix}.png")
            file.parent.mkdir(parents=True)
            write_picture(file, picture)
    settings = [f'data.train=["{tmp_path}:{name}"]', "data.hr_patch_size=32", f"data.align={align}"]
    train, (valid,) = load_datasets(with_settings(Config(), settings))
    assert train[0].hr.shape == valid.hr.shape == (side, side, 3)
    if side == 72:
        difference = imresize(train[0].hr, 18, 18).astype(int) - train[0].lr
        assert np.abs(difference[4:-4, 4:-4]).max() <= 1


@pytest.mark.slow
def test_settings_reach_the_pictures(picture_folder, tmp_path):
    settings = [
        *(f'data.train=["{picture_folder}"]', "data.hr_patch_size=16", "data.store=disk"),
        *(f"data.cache={tmp_path / 'cache'}", "seed=3"),
    ]
    train, (bicubic,) = load_datasets(with_settings(Config(), settings))
    assert len(train) == 11
    assert isinstance(train[0].hr, StoredPicture)
    # Crops for the realistic chain are 80 pixels, and these pictures 72 high.
    with pytest.raises(UserError, match="has a side shorter than 80 pixels"):
        load_datasets(with_settings(Config(), [*settings, "data.degradation=realistic"]))
    settings[1] = "data.hr_patch_size=8"
    _, (degraded,) = load_datasets(with_settings(Config(), [*settings, "data.degradation=realistic"]))
    np.testing.assert_array_equal(degraded.hr, bicubic.hr)
    assert (degraded.lr != bicubic.lr).any()
    assert len(list((tmp_path / "cache").iterdir())) == 2  # one store served all, beside the lock


def test_given_lr_of_validation_pictures_is_kept(tmp_path):
    """Degraded validation sets are fixed: the training degradation must not be applied to them again."""
    hr = draw_picture(0, 48, 48)
    lr = draw_picture(1, 12, 12)
    for folder, picture in (("HR", hr), ("LR", lr)):
        write_picture(tmp_path / "valid" / folder / "a.png", picture)
    settings = [
        *(f'data.valid=["{tmp_path / "valid"}"]', 'data.train=["synthetic"]', "data.synthetic_count=2"),
        *("data.synthetic_size=96", "data.hr_patch_size=16", "data.degradation=realistic"),
    ]
    _, (pair,) = load_datasets(with_settings(Config(), settings))
    np.testing.assert_array_equal(pair.lr, lr)
