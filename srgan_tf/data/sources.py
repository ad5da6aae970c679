"""Sources of picture pairs, by the names that `--data` takes.

    div2k            DIV2K through tensorflow-datasets, downloaded on first use
    synthetic        pictures drawn from a seed
    FOLDER           HR pictures, also in folders below it; their LR is made by MATLAB-like bicubic
    FOLDER           with HR/ and LR/ in it: pairs of equal file names
    FOLDER           with DIV2K_train_HR/ ... in it: DIV2K as its authors' archives unpack

A new kind of source is one function that returns a `Source`, and one line in `open_source`.
"""

import collections
import concurrent.futures
import dataclasses
import functools
import logging
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from srgan_tf.data import pictures, synthetic
from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.pixels import modcrop
from srgan_tf.resize import imresize

Split = Literal["train", "valid"]

_log = logging.getLogger(__name__)


class Pair(NamedTuple):
    """One picture in both sizes, uint8 [height, width, 3]; `hr` is exactly `scale` times as large as `lr`."""

    name: str
    lr: np.ndarray
    hr: np.ndarray


@dataclasses.dataclass(frozen=True)
class Source:
    """Pairs that are loaded while one iterates, a few ahead, so that any number of them needs little memory.

    Attributes:
        name: what reports call it: the last part of the folder, or the source's name.
        loaders: one function for each pair.
        has_splits: True when its train and valid pictures are different ones; False when it has but one set.
    """

    name: str
    loaders: Sequence[Callable[[], Pair]]
    has_splits: bool = False

    def __len__(self) -> int:
        return len(self.loaders)

    def __iter__(self) -> Iterator[Pair]:
        # Decoding and resizing release Python's lock, so threads do help.
        workers = 4
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            ahead = collections.deque()
            try:
                for loader in self.loaders:
                    ahead.append(pool.submit(loader))
                    if len(ahead) > workers:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def select(self, indices: Sequence[int]) -> "Source":
        """The same source with some of its pairs alone."""
        return dataclasses.replace(self, loaders=[self.loaders[index] for index in indices])


def open_source(
    data: str, *, split: Split, scale: int, synthetic_count: int = 8, synthetic_size: int = 256, seed: int = 0
) -> Source:
    """Opens a source of pairs; nothing is decoded yet.

    Args:
        data: "div2k", "synthetic" or a folder, see the module's text.
        split: which pictures, where the source distinguishes; else all.
        scale: HR size over LR size.
        synthetic_count: how many pictures "synthetic" draws.
        synthetic_size: side of its HR pictures, pixels.
        seed: of its pictures; train and valid pictures differ at every seed.

    Raises:
        UserError: no such source, an empty folder, or HR and LR files that do not match.
    """
    if data == "div2k":
        return _div2k(split, scale)
    if data == "synthetic":
        return _synthetic(split, scale, synthetic_count, synthetic_size, seed)
    folder = pathlib.Path(data)
    if not folder.is_dir():
        raise UserError(f"no data {data!r}: expected 'div2k', 'synthetic' or a folder of pictures")
    name = folder.resolve().name
    splits = [name_ for name_ in ("train", "valid") if (folder / f"DIV2K_{name_}_HR").is_dir()]
    if splits:
        if split not in splits:
            raise UserError(f"{data!r} has DIV2K_{splits[0]}_HR but no DIV2K_{split}_HR")
        lr_folder = folder / f"DIV2K_{split}_LR_bicubic" / f"X{scale}"
        return _folder(name, folder / f"DIV2K_{split}_HR", lr_folder, f"x{scale}", scale, has_splits=len(splits) == 2)
    if (folder / "HR").is_dir():
        if not (folder / "LR").is_dir():
            raise UserError(f"{data!r} has HR/ but no LR/ beside it: give {str(folder / 'HR')!r} to have LR made")
        return _folder(name, folder / "HR", folder / "LR", "", scale)
    return _folder(name, folder, None, "", scale)


def make_pair(name: str, hr: np.ndarray, scale: int) -> Pair:
    """Makes a pair from an HR picture: cropped to a multiple of the scale, LR by MATLAB-like bicubic of the whole."""
    hr = modcrop(hr, scale)
    return Pair(name, imresize(hr, hr.shape[0] // scale, hr.shape[1] // scale), hr)


def _synthetic(split, scale, count, size, seed):
    domain = {"train": 0, "valid": 1}[split]

    def draw(index):
        return make_pair(f"{index:04d}", synthetic.draw_picture([seed, domain, index], size, size), scale)

    return Source("synthetic", [functools.partial(draw, index) for index in range(count)], has_splits=True)


def _folder(name, hr_folder, lr_folder, lr_suffix, scale, has_splits=False):
    """Pairs of a folder; where the LR folder does not exist, LR is made."""
    if lr_folder is None or not lr_folder.is_dir():
        paths = pictures.list_pictures(hr_folder)
        keys = pictures.names_of(path.relative_to(hr_folder) for path in paths)
        loaders = [functools.partial(_load_hr, key, path, scale) for key, path in zip(keys, paths, strict=True)]
        return Source(name, loaders, has_splits)
    hr_paths, lr_paths = _by_stem(hr_folder, ""), _by_stem(lr_folder, lr_suffix)
    for present, absent, kind in ((hr_paths, lr_paths, "LR"), (lr_paths, hr_paths, "HR")):
        missing = sorted(present.keys() - absent.keys())
        if missing:
            raise UserError(
                f"{len(missing)} pictures of {name!r} have no {kind} of the same name, first {missing[0]!r}"
            )
    loaders = [functools.partial(_load_pair, key, lr_paths[key], path, scale) for key, path in hr_paths.items()]
    return Source(name, loaders, has_splits)


def _by_stem(folder, suffix):
    """Paths of a folder's pictures by their names without extension and `suffix`."""
    paths = {}
    for path in pictures.list_pictures(folder):
        stem = str(path.relative_to(folder).with_suffix("")).removesuffix(suffix)
        if stem in paths:
            raise UserError(f"two pictures of {str(folder)!r} have one name: {paths[stem].name!r}, {path.name!r}")
        paths[stem] = path
    return paths


def _load_hr(name, path, scale):
    hr = pictures.read_picture(path)
    if min(hr.shape[:2]) < scale:
        raise WorkError(f"the picture {str(path)!r} is smaller than {scale}x{scale} pixels")
    return make_pair(name, hr, scale)


def _load_pair(name, lr_path, hr_path, scale):
    lr, hr = pictures.read_picture(lr_path), pictures.read_picture(hr_path)
    return _fit(name, lr, hr, scale, str(lr_path), str(hr_path))


def _fit(name, lr, hr, scale, lr_name, hr_name):
    """A pair of which HR is exactly `scale` times LR: both are cropped at the right and bottom by less than a pixel."""
    for small, large in zip(lr.shape[:2], hr.shape[:2], strict=True):
        # Makers of LR pictures crop HR first, or round its size up as MATLAB does.
        if small not in (large // scale, -(-large // scale)):
            raise WorkError(
                f"{lr_name!r} is {lr.shape[1]}x{lr.shape[0]}, "
                f"which is not 1/{scale} of the {hr.shape[1]}x{hr.shape[0]} of {hr_name!r}"
            )
    hr = modcrop(hr, scale)
    return Pair(name, lr[: hr.shape[0] // scale, : hr.shape[1] // scale], hr)


def _div2k(split, scale):
    """DIV2K through tensorflow-datasets, with the authors' own bicubic LR."""
    import tensorflow_datasets as tfds  # takes seconds to import: only for who needs it

    builder = tfds.builder(f"div2k/bicubic_x{scale}")
    if not builder.is_prepared():
        _log.info("preparing DIV2K in %s, with a download of about 4 GB", builder.data_dir)
    try:
        builder.download_and_prepare()
    except Exception as error:  # of many kinds, from no network to a full disk
        raise WorkError(
            f"DIV2K could not be downloaded ({type(error).__name__}: {first_line(error)}). Put its zip files into "
            f"{pathlib.Path(builder.data_dir).parents[2] / 'downloads' / 'manual'}, or give --data the folder in which "
            "they are unpacked"
        ) from error
    part = "train" if split == "train" else "validation"
    count = builder.info.splits[part].num_examples
    loaders = [functools.partial(_load_tfds, builder, part, index, scale) for index in range(count)]
    return Source("div2k", loaders, has_splits=True)


def _load_tfds(builder, part, index, scale):
    (example,) = builder.as_dataset(split=f"{part}[{index}:{index + 1}]").as_numpy_iterator()
    name = f"{index:04d}"
    return _fit(name, example["lr"], example["hr"], scale, f"LR {name} of {part}", f"HR {name} of {part}")
