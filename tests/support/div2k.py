"""Tiny archives in the layout of DIV2K, for the real tensorflow-datasets builder or to unpack."""

import io
import zipfile

from PIL import Image

from srgan_tf.data.div2k import CONFIGURATIONS
from srgan_tf.data.pairs import Pair, make_pair
from srgan_tf.data.synthetic import draw_picture


def tfds_builder(monkeypatch, data_folder):
    """The builder class of DIV2K, which keeps its data in `data_folder` until the test ends."""
    import tensorflow_datasets as tfds

    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(data_folder))
    monkeypatch.setenv("TFDS_DATA_DIR", str(data_folder))
    return tfds.builder_cls("div2k")


def write_archives(folder, name, sizes):
    """Writes archives of three training and two validation pictures.

    Args:
        folder: for the zip files.
        name: of the configuration.
        sizes: dictionary from "train" and "valid" to the size of the LR pictures.

    Returns:
        `(pairs, urls)`: a dictionary from the split to its `Pair`s, and the archives by their names in the builder.
    """
    scale = CONFIGURATIONS[name].scale
    pairs, urls = {}, {}
    for split, numbers in {"train": (1, 2, 3), "valid": (801, 802)}.items():
        hr = {f"{number:04d}": draw_picture(number, *(scale * side for side in sizes[split])) for number in numbers}
        pairs[split] = [
            # Unlike LR that is made of HR, and each version of it unlike the others.
            Pair(key + suffix, 255 - make_pair(key, hr[key], scale).lr // (index + 1), hr[key])
            for key in hr
            for index, suffix in enumerate(_suffixes(name, split))
        ]
        lr_folder = CONFIGURATIONS[name].folder.format(split=split)
        lr = {f"{lr_folder}/{pair.name}.png": pair.lr for pair in pairs[split]}
        urls[f"{split}_lr_url"] = _archive(folder / f"{split}_lr.zip", lr)
        urls[f"{split}_hr_url"] = _archive(
            folder / f"{split}_hr.zip", {f"DIV2K_{split}_HR/{key}.png": picture for key, picture in hr.items()}
        )
    return pairs, urls


def offer_archives(monkeypatch, builder_class, name, urls):
    """Makes the builder read these archives for a configuration."""
    config = next(config for config in builder_class.BUILDER_CONFIGS if config.name == name)
    assert set(config.download_urls) == set(urls)
    monkeypatch.setattr(config, "download_urls", urls)


def unpack_archives(folder, target):
    """Unpacks the archives of a folder."""
    for file in folder.glob("*.zip"):
        zipfile.ZipFile(file).extractall(target)


def _archive(path, pictures):
    with zipfile.ZipFile(path, "w") as file:
        for name, picture in pictures.items():
            encoded = io.BytesIO()
            Image.fromarray(picture).save(encoded, "PNG")
            file.writestr(name, encoded.getvalue())
    return path.as_uri()


def _suffixes(name, split):
    """Suffixes of the LR pictures of one HR picture."""
    letters = {"realistic_mild_x4": "m", "realistic_difficult_x4": "d", "realistic_wild_x4": "w"}.get(name, "")
    numbers = ("1", "2", "3", "4") if letters == "w" and split == "train" else ("",)
    return [name[-2:] + letters + number for number in numbers]
