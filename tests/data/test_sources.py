import shutil
import threading
import time

import numpy as np
import pytest
from PIL import Image

from srgan_tf.data import sources
from srgan_tf.data.pairs import cropped_size, make_pair
from srgan_tf.data.sources import open_source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.resize import imresize


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def test_a_pair_is_cropped_and_its_lr_made_from_the_whole_picture(rng):
    hr = rng.integers(0, 256, (18, 23, 3), dtype=np.uint8)
    pair = make_pair("name", hr, 4)
    np.testing.assert_array_equal(pair.hr, hr[:16, :20])
    np.testing.assert_array_equal(pair.lr, imresize(hr[:16, :20], 4, 5))


def test_synthetic_splits_differ_and_repeat():
    train, valid = (open_source("synthetic", split=split, scale=4, synthetic_size=32) for split in ("train", "valid"))
    assert len(train) == len(list(train)) == 8
    assert train.has_splits
    first = [pair.hr for pair in train]
    for index, pair in enumerate(train):
        np.testing.assert_array_equal(pair.hr, first[index])
        assert pair.lr.shape == (8, 8, 3)
    assert all((pair.hr != hr).any() for pair in valid for hr in first)
    other_seed = next(iter(open_source("synthetic", split="train", scale=4, synthetic_size=32, seed=1)))
    assert (other_seed.hr != first[0]).any()


def test_folder_of_hr_pictures(picture_folder):
    save(picture_folder / "deeper" / "grey.png", draw_picture(99, 33, 47)[..., 0])
    source = open_source(str(picture_folder), split="train", scale=4)
    pairs = {pair.name: pair for pair in source}
    assert source.name == "pictures"
    assert len(source) == 13
    assert list(pairs)[:2] == ["00", "01"]
    assert pairs["deeper/grey"].hr.shape == (32, 44, 3)
    assert pairs["deeper/grey"].lr.shape == (8, 11, 3)


def test_select(picture_folder):
    source = open_source(str(picture_folder), split="train", scale=4).select([3, 1])
    assert [pair.name for pair in source] == ["03", "01"]


def test_given_lr_is_used_unchanged(tmp_path, rng):
    lr = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    save(tmp_path / "LR" / "a.png", lr)
    save(tmp_path / "HR" / "a.png", draw_picture(0, 22, 31))  # not multiples of 4
    (pair,) = open_source(str(tmp_path), split="valid", scale=4)
    np.testing.assert_array_equal(pair.lr, lr)
    assert pair.hr.shape == (20, 28, 3)


def test_pairs_must_match(tmp_path):
    save(tmp_path / "HR" / "a.png", draw_picture(0, 32, 32))
    with pytest.raises(UserError, match="no LR/ beside it"):
        open_source(str(tmp_path), split="valid", scale=4)
    save(tmp_path / "LR" / "b.png", draw_picture(0, 8, 8))
    with pytest.raises(UserError, match="no LR of the same name, first 'a'"):
        open_source(str(tmp_path), split="valid", scale=4)
    save(tmp_path / "LR" / "a.png", draw_picture(0, 9, 8))
    with pytest.raises(UserError, match="no HR of the same name, first 'b'"):
        open_source(str(tmp_path), split="valid", scale=4)
    (tmp_path / "LR" / "b.png").unlink()
    with pytest.raises(WorkError, match=r"a\.png' is 8x9, which is not 1/4 of the 32x32"):
        list(open_source(str(tmp_path), split="valid", scale=4))


def test_div2k_as_it_unpacks(tmp_path):
    for split, names in (("train", ("0001", "0002")), ("valid", ("0801",))):
        for name in names:
            pair = make_pair(name, draw_picture(int(name), 32, 48), 4)
            save(tmp_path / f"DIV2K_{split}_HR" / f"{name}.png", pair.hr)
            save(tmp_path / f"DIV2K_{split}_LR_bicubic" / "X4" / f"{name}x4.png", pair.lr)
    train = open_source(str(tmp_path), split="train", scale=4)
    assert train.has_splits
    assert [pair.name for pair in train] == ["0001", "0002"]
    assert [pair.name for pair in open_source(str(tmp_path), split="valid", scale=4)] == ["0801"]
    # Without the archive of LR pictures they are made, and equal.
    given = [pair.lr for pair in train]
    shutil.rmtree(tmp_path / "DIV2K_train_LR_bicubic")
    for pair, lr in zip(open_source(str(tmp_path), split="train", scale=4), given, strict=True):
        np.testing.assert_array_equal(pair.lr, lr)


def test_half_of_div2k_is_not_mistaken_for_a_folder(tmp_path):
    save(tmp_path / "DIV2K_train_HR" / "0001.png", draw_picture(1, 32, 48))
    train = open_source(str(tmp_path), split="train", scale=4)
    assert not train.has_splits  # so that validation pictures are held out of it
    assert [pair.name for pair in train] == ["0001"]
    with pytest.raises(UserError, match="has DIV2K_train_HR but no DIV2K_valid_HR"):
        open_source(str(tmp_path), split="valid", scale=4)


def test_names_that_differ_in_their_suffix(tmp_path):
    for name in ("a.png", "a.jpg", "b.png"):
        save(tmp_path / "HR" / name, draw_picture(0, 32, 32))
    assert [pair.name for pair in open_source(str(tmp_path / "HR"), split="train", scale=4)] == ["a.jpg", "a.png", "b"]
    for name in ("a.png", "b.png"):
        save(tmp_path / "LR" / name, draw_picture(0, 8, 8))
    with pytest.raises(UserError, match=r"have one name: 'a\.jpg', 'a\.png'"):
        open_source(str(tmp_path), split="train", scale=4)


def test_lr_of_a_size_rounded_up_is_cropped(tmp_path, rng):
    hr = rng.integers(0, 256, (18, 23, 3), dtype=np.uint8)
    lr = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)  # MATLAB's imresize rounds 4.5 and 5.75 up
    save(tmp_path / "HR" / "a.png", hr)
    save(tmp_path / "LR" / "a.png", lr)
    (pair,) = open_source(str(tmp_path), split="valid", scale=4)
    np.testing.assert_array_equal(pair.hr, hr[:16, :20])
    np.testing.assert_array_equal(pair.lr, lr[:4, :5])


def test_wrong_names():
    with pytest.raises(UserError, match="no data 'div2'"):
        open_source("div2", split="train", scale=4)


def test_a_damaged_picture_among_good_ones_is_named(picture_folder):
    (picture_folder / "05.png").write_text("no picture")
    with pytest.raises(WorkError, match=r"05\.png"):
        list(open_source(str(picture_folder), split="train", scale=4))


def test_pictures_are_loaded_during_iteration(picture_folder):
    (picture_folder / "11.png").write_text("no picture")
    iterator = iter(open_source(str(picture_folder), split="train", scale=4))
    assert next(iterator).name == "00"  # not all are read first
    iterator.close()


def test_errors_replace_their_pictures(picture_folder):
    for name in ("03.png", "11.png"):
        (picture_folder / name).write_text("no picture")
    results = list(open_source(str(picture_folder), split="train", scale=4).attempts())
    assert [index for index, result in enumerate(results) if isinstance(result, WorkError)] == [3, 11]
    assert [result.name for result in results[4:6]] == ["04", "05"]


@pytest.mark.parametrize(("side", "most"), [(32, 4), (100, 3), (200, 1)])
def test_fewer_large_pictures_are_loaded_ahead(monkeypatch, side, most):
    """At most 30,000 HR pixels at a time: four small pictures, three of 10,000, and one that alone exceeds it."""
    monkeypatch.setattr(sources, "_AHEAD_PIXELS", 30_000)
    running, highest, lock = [], [], threading.Lock()

    class Slow:
        def hr_size(self):
            return side, side

        def __call__(self):
            with lock:
                running.append(self)
                highest.append(len(running))
            time.sleep(0.02)
            with lock:
                running.remove(self)
            return side

    assert list(sources.Source("slow", [Slow() for _ in range(12)])) == [side] * 12
    assert max(highest) == most


@pytest.mark.parametrize("scale", [1, 1.5, 2.7, 3.3, 4])
def test_pairs_at_fractional_factors(rng, scale):
    for size in ((61, 80), (59, 78), (30, 47)):
        hr = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        pair = make_pair("a", hr, scale)
        assert pair.lr.shape[:2] == tuple(int(side / scale + 1e-6) for side in size)
        assert pair.hr.shape[:2] == tuple(round(side * scale) for side in pair.lr.shape[:2])
        assert pair.hr.shape[:2] == cropped_size(size, scale)
        np.testing.assert_array_equal(pair.lr, imresize(pair.hr, *pair.lr.shape[:2]))
