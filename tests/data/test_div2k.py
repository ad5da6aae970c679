"""DIV2K through the real tensorflow-datasets builder, on tiny archives in DIV2K's layout."""

import zipfile

import numpy as np
import pytest
from PIL import Image
from support.div2k import offer_archives, tfds_builder, unpack_archives, write_archives

from srgan_tf.data.div2k import CONFIGURATIONS
from srgan_tf.data.pipeline import load_pairs
from srgan_tf.data.sources import open_source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # raised inside tensorflow-datasets and what it imports
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def builder_class(monkeypatch, tmp_path):
    return tfds_builder(monkeypatch, tmp_path / "tensorflow_datasets")


@pytest.fixture
def archives(builder_class, monkeypatch, tmp_path):
    """Function from a configuration to pairs by split: DIV2K of three and two pictures, which the builder finds."""

    def prepare(name="bicubic_x4"):
        pairs, urls = write_archives(tmp_path, name, {"train": (5, 6), "valid": (5, 6)})
        offer_archives(monkeypatch, builder_class, name, urls)
        return pairs

    return prepare


def assert_same_pairs(source, expected):
    """The same pairs in any order: the builder shuffles."""
    assert sorted(pair.lr.tobytes() + pair.hr.tobytes() for pair in source) == sorted(
        pair.lr.tobytes() + pair.hr.tobytes() for pair in expected
    )


def test_configurations_are_those_of_tensorflow_datasets(builder_class):
    assert list(CONFIGURATIONS) == [config.name for config in builder_class.BUILDER_CONFIGS]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_each_configuration_by_name_and_unpacked(archives, name, tmp_path):
    expected = archives(name)
    scale = CONFIGURATIONS[name].scale
    for split in ("train", "valid"):
        source = open_source(f"div2k/{name}", split=split, scale=scale)
        assert source.has_splits
        assert source.name == f"div2k_{name}"
        assert source.misaligned == name.startswith("realistic")
        assert_same_pairs(source, expected[split])
        assert len({pair.name for pair in source}) == len(source) == len(expected[split])
    assert len(expected["train"]) == (12 if "wild" in name else 3)

    unpack_archives(tmp_path, tmp_path / "DIV2K")
    for split in ("train", "valid"):
        source = open_source(f"{tmp_path / 'DIV2K'}:{name}", split=split, scale=scale)
        assert source.has_splits
        assert source.lr_is_given
        assert source.name == f"DIV2K_{name}"
        assert source.misaligned == name.startswith("realistic")
        assert_same_pairs(source, expected[split])
        names = [pair.name for pair in expected[split]]
        assert [pair.name for pair in source] == (names if "wild" in name else [key[:4] for key in names])


def test_a_scale_that_contradicts_the_name_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"'realistic_mild_x4' of DIV2K has scale 4 \(received scale 2\)"):
        open_source("div2k/realistic_mild_x4", split="train", scale=2)
    with pytest.raises(UserError, match=r"no configuration 'realistic': expected one of bicubic_x2, "):
        open_source("div2k/realistic", split="train", scale=4)
    (tmp_path / "DIV2K_train_HR").mkdir()
    with pytest.raises(UserError, match=r"'bicubic_x8' of DIV2K has scale 8 \(received scale 4\)"):
        open_source(f"{tmp_path}:bicubic_x8", split="train", scale=4)
    with pytest.raises(UserError, match=r":unknown_x4' has no folder 'DIV2K_train_LR_unknown/X4'"):
        open_source(f"{tmp_path}:unknown_x4", split="train", scale=4)
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match="has no DIV2K_train_HR"):
        open_source(f"{tmp_path / 'other'}:unknown_x4", split="train", scale=4)


def test_a_folder_with_a_colon_in_its_name(tmp_path):
    folder = tmp_path / "a:bicubic_x4"
    (folder / "HR").mkdir(parents=True)
    Image.fromarray(draw_picture(0, 32, 32)).save(folder / "HR" / "1.png")
    assert len(open_source(str(folder / "HR"), split="train", scale=4)) == 1


def test_wild_without_validation_pictures_holds_out_none(archives, tmp_path):
    archives("realistic_wild_x4")
    for kind in ("hr", "lr"):
        zipfile.ZipFile(tmp_path / f"train_{kind}.zip").extractall(tmp_path / "DIV2K")
    data = f"{tmp_path / 'DIV2K'}:realistic_wild_x4"
    assert open_source(data, split="train", scale=4).has_splits
    with pytest.raises(UserError, match="has DIV2K_train_HR but no DIV2K_valid_HR"):
        open_source(data, split="valid", scale=4)


@pytest.mark.parametrize("prepared_by", ["this package", pytest.param("another program", marks=pytest.mark.slow)])
def test_plain_div2k_is_bicubic(archives, prepared_by, caplog):
    expected = archives()
    if prepared_by == "another program":
        import tensorflow_datasets as tfds

        tfds.builder("div2k/bicubic_x4").download_and_prepare()
    for split, of_split in expected.items():
        source = open_source("div2k", split=split, scale=4)
        assert source.has_splits
        assert len(source) == len(of_split)
        assert source.name == "div2k"
        assert not source.misaligned
        assert set(source.hr_sizes) == {pair.hr.shape[:2] for pair in of_split}
        assert_same_pairs(source, of_split)
        assert len(list(source.select([1]))) == 1
    # The default format of tensorflow-datasets has no random access.
    assert ("a format without random access" in caplog.text) == (prepared_by == "another program")


def test_div2k_from_a_store(archives, tmp_path):
    archives()
    source = open_source("div2k", split="train", scale=4)
    stored = load_pairs([source], min_hr_side=20, store="disk", cache=tmp_path / "cache")
    for pair, expected in zip(stored, source, strict=True):
        np.testing.assert_array_equal(pair.hr[0:20, 0:24], expected.hr)
        np.testing.assert_array_equal(pair.lr[0:5, 0:6], expected.lr)


def test_a_failed_download_names_the_folder_for_archives(builder_class, monkeypatch):
    def fail(self, **_):
        raise ConnectionError("no route")

    monkeypatch.setattr(builder_class, "download_and_prepare", fail)
    with pytest.raises(WorkError, match=r"ConnectionError: no route.*tensorflow_datasets/downloads/manual"):
        open_source("div2k", split="train", scale=4)
