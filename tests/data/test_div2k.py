"""DIV2K through the real tensorflow-datasets builder, on tiny archives in DIV2K's layout."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from srgan_tf.data.pairs import make_pair
from srgan_tf.data.pipeline import load_pairs
from srgan_tf.data.sources import open_source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import WorkError

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # raised inside tensorflow-datasets and what it imports
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture
def builder_class(monkeypatch, tmp_path):
    import tensorflow_datasets as tfds

    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tensorflow_datasets"))
    return tfds.builder_cls("div2k")


def archive(path, pictures):
    with zipfile.ZipFile(path, "w") as file:
        for name, picture in pictures.items():
            encoded = io.BytesIO()
            Image.fromarray(picture).save(encoded, "PNG")
            file.writestr(name, encoded.getvalue())
    return path.as_uri()


@pytest.fixture
def archives(builder_class, monkeypatch, tmp_path):
    """DIV2K of three and two pictures, as mappings from splits to pairs; the builder finds its archives."""
    pairs = {
        "train": [make_pair(f"{n:04d}", draw_picture(n, 40, 48), 4) for n in (1, 2, 3)],
        "valid": [make_pair(f"{n:04d}", draw_picture(n, 44, 36), 4) for n in (801, 802)],
    }
    urls = {}
    for split, of_split in pairs.items():
        lr_folder = f"DIV2K_{split}_LR_bicubic/X4"
        urls[f"{split}_lr_url"] = archive(
            tmp_path / f"{split}_lr.zip", {f"{lr_folder}/{pair.name}x4.png": pair.lr for pair in of_split}
        )
        urls[f"{split}_hr_url"] = archive(
            tmp_path / f"{split}_hr.zip", {f"DIV2K_{split}_HR/{pair.name}.png": pair.hr for pair in of_split}
        )
    config = next(config for config in builder_class.BUILDER_CONFIGS if config.name == "bicubic_x4")
    assert set(config.download_urls) == set(urls)
    monkeypatch.setattr(config, "download_urls", urls)
    return pairs


@pytest.mark.parametrize("prepared_by", ["us", "another program"])
def test_pairs_of_both_splits(archives, prepared_by, caplog):
    if prepared_by == "another program":
        import tensorflow_datasets as tfds

        tfds.builder("div2k/bicubic_x4").download_and_prepare()
    for split, of_split in archives.items():
        source = open_source("div2k", split=split, scale=4)
        assert source.has_splits
        assert len(source) == len(of_split)
        assert set(source.hr_sizes) == {pair.hr.shape[:2] for pair in of_split}
        read = {pair.hr.tobytes(): pair for pair in source}  # the builder shuffles
        for expected in of_split:
            np.testing.assert_array_equal(read[expected.hr.tobytes()].lr, expected.lr)
        assert len(list(source.select([1]))) == 1
    # tensorflow-datasets' own default is a format without random access.
    assert ("slow to read in parts" in caplog.text) == (prepared_by == "another program")


def test_div2k_from_a_store(archives, tmp_path):
    source = open_source("div2k", split="train", scale=4)
    stored = load_pairs([source], min_hr_side=24, store="disk", cache=tmp_path / "cache")
    for pair, expected in zip(stored, source, strict=True):
        np.testing.assert_array_equal(pair.hr[0:40, 0:48], expected.hr)
        np.testing.assert_array_equal(pair.lr[0:10, 0:12], expected.lr)


def test_a_download_without_a_network_is_reported_with_instructions(builder_class, monkeypatch):
    def fail(self, **_):
        raise ConnectionError("no route")

    monkeypatch.setattr(builder_class, "download_and_prepare", fail)
    with pytest.raises(WorkError, match=r"ConnectionError: no route.*tensorflow_datasets/downloads/manual"):
        open_source("div2k", split="train", scale=4)
