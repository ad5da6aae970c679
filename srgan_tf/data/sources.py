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
import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from srgan_tf.data import synthetic
from srgan_tf.data.div2k import div2k_loaders
from srgan_tf.data.pairs import Loader, Pair, UnreadableError, cropped_size, fit_pair, make_pair
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images import pictures

Split = Literal["train", "valid"]

_WORKERS = 4  # threads that load pairs
_AHEAD_PIXELS = 48 * 2**20  # of HR, loading or waiting at one time: downscaling takes about 20 bytes for each


@dataclasses.dataclass(frozen=True)
class Source:
    """Pairs that are loaded while one iterates, a few ahead, so that any number of them needs little memory.

    Attributes:
        name: what reports call it: the last part of the folder, or the source's name.
        loaders: one for each pair; to iterate, any function of no arguments that returns a pair will do.
        has_splits: True when its train and valid pictures are different ones; False when it has but one set.
        chosen: indices of the loaders whose pairs it has; None for all.
        lr_is_given: True when the LR pictures are files of the source's own.
    """

    name: str
    loaders: Sequence[Loader | Callable[[], Pair]]
    has_splits: bool = False
    chosen: Sequence[int] | None = None
    lr_is_given: bool = False

    @property
    def indices(self) -> Sequence[int]:
        """Indices of the loaders whose pairs it has."""
        return range(len(self.loaders)) if self.chosen is None else self.chosen

    @functools.cached_property
    def headers(self) -> list[tuple[int, int] | WorkError]:
        """`Loader.hr_size` of each pair, or the error where a file is not a valid picture."""
        return [_try(self.loaders[index].hr_size) for index in self.indices]

    @property
    def hr_sizes(self) -> list[tuple[int, int]]:
        """`Loader.hr_size` of each pair.

        Raises:
            UnreadableError: lists every pair whose size cannot be read.
        """
        return require_all(self.headers)

    def decoded_bytes(self) -> int:
        """What the pixels of its pairs take."""
        scales = (self.loaders[index].scale for index in self.indices)
        areas = (height * width for height, width in self.hr_sizes)
        return sum(3 * (area + area // scale**2) for area, scale in zip(areas, scales, strict=True))

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Pair]:
        with contextlib.closing(self.attempts()) as results:
            for result in results:
                if isinstance(result, WorkError):
                    raise result
                yield result

    def attempts(self) -> Iterator[Pair | WorkError]:
        """Its pairs, and in place of each that cannot be loaded its error.

        Up to four pairs are loaded ahead, fewer where they are large: together at most 48 megapixels of HR, or one
        picture.
        """
        # Decoding and resizing release Python's lock, so threads do help.
        with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:
            ahead, pixels = collections.deque(), 0
            try:
                for index in self.indices:
                    loader = self.loaders[index]
                    needed = _hr_pixels(loader)
                    while ahead and (len(ahead) > _WORKERS or pixels + needed > _AHEAD_PIXELS):
                        future, freed = ahead.popleft()
                        pixels -= freed
                        yield future.result()
                    ahead.append((pool.submit(_try, loader), needed))
                    pixels += needed
                while ahead:
                    yield ahead.popleft()[0].result()
            finally:
                for future, _ in ahead:
                    future.cancel()

    def all(self) -> "Source":
        """The same source with every pair."""
        return dataclasses.replace(self, chosen=None)

    def select(self, positions: Sequence[int]) -> "Source":
        """The same source with some of its pairs alone."""
        return dataclasses.replace(self, chosen=[self.indices[position] for position in positions])


def require_all(results: Iterator) -> list:
    """A list of results.

    Raises:
        UnreadableError: lists all `WorkError`s among them.
    """
    results = list(results)
    reasons = [str(result) for result in results if isinstance(result, WorkError)]
    if reasons:
        raise UnreadableError(reasons)
    return results


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
        return Source("div2k", div2k_loaders(split, scale), has_splits=True)
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


def _try(function):
    """The result of a function, or the error why there is none."""
    try:
        return function()
    except WorkError as error:
        return error
    except MemoryError:
        return WorkError(f"not enough memory to read {getattr(function, 'name', 'a picture')!r}")


def _hr_pixels(loader):
    """Number of HR pixels; 0 for a plain function, and where the header is damaged, which fails before it decodes."""
    size = _try(loader.hr_size) if hasattr(loader, "hr_size") else (0, 0)
    return 0 if isinstance(size, WorkError) else size[0] * size[1]


def _synthetic(split, scale, count, size, seed):
    domain = {"train": 0, "valid": 1}[split]
    loaders = [_Drawing(f"{index:04d}", (seed, domain, index), size, scale) for index in range(count)]
    return Source("synthetic", loaders, has_splits=True)


def _folder(name, hr_folder, lr_folder, lr_suffix, scale, has_splits=False):
    """Pairs of a folder; where the LR folder does not exist, LR is made."""
    if lr_folder is None or not lr_folder.is_dir():
        paths = pictures.list_pictures(hr_folder)
        keys = pictures.names_of(path.relative_to(hr_folder) for path in paths)
        loaders = [_HrFile(key, path, scale) for key, path in zip(keys, paths, strict=True)]
        return Source(name, loaders, has_splits)
    hr_paths, lr_paths = _by_stem(hr_folder, ""), _by_stem(lr_folder, lr_suffix)
    for present, absent, kind in ((hr_paths, lr_paths, "LR"), (lr_paths, hr_paths, "HR")):
        missing = sorted(present.keys() - absent.keys())
        if missing:
            raise UserError(
                f"{len(missing)} pictures of {name!r} have no {kind} of the same name, first {missing[0]!r}"
            )
    loaders = [_FilePair(key, lr_paths[key], path, scale) for key, path in hr_paths.items()]
    return Source(name, loaders, has_splits, lr_is_given=True)


def _by_stem(folder, suffix):
    """Paths of a folder's pictures by their names without extension and `suffix`."""
    paths = {}
    for path in pictures.list_pictures(folder):
        stem = str(path.relative_to(folder).with_suffix("")).removesuffix(suffix)
        if stem in paths:
            raise UserError(f"two pictures of {str(folder)!r} have one name: {paths[stem].name!r}, {path.name!r}")
        paths[stem] = path
    return paths


@dataclasses.dataclass(frozen=True)
class _HrFile:
    """A pair whose LR is made from a file of the HR picture."""

    name: str
    path: pathlib.Path
    scale: int

    def __call__(self):
        hr = pictures.read_picture(self.path)
        if min(hr.shape[:2]) < self.scale:
            raise WorkError(f"the picture {str(self.path)!r} is smaller than {self.scale}x{self.scale} pixels")
        return make_pair(self.name, hr, self.scale)

    def hr_size(self):
        return cropped_size(pictures.picture_size(self.path), self.scale)

    def identity(self):
        return [self.scale, *_file_identity(self.path)]


@dataclasses.dataclass(frozen=True)
class _FilePair:
    """A pair of two files."""

    name: str
    lr_path: pathlib.Path
    hr_path: pathlib.Path
    scale: int

    def __call__(self):
        lr, hr = pictures.read_picture(self.lr_path), pictures.read_picture(self.hr_path)
        return fit_pair(self.name, lr, hr, self.scale, str(self.lr_path), str(self.hr_path))

    def hr_size(self):
        return cropped_size(pictures.picture_size(self.hr_path), self.scale)

    def identity(self):
        return [self.scale, *_file_identity(self.lr_path), *_file_identity(self.hr_path)]


@dataclasses.dataclass(frozen=True)
class _Drawing:
    """A pair of a picture that is drawn."""

    name: str
    seed: tuple[int, ...]
    side: int
    scale: int

    def __call__(self):
        return make_pair(self.name, synthetic.draw_picture(self.seed, self.side, self.side), self.scale)

    def hr_size(self):
        return cropped_size((self.side, self.side), self.scale)

    def identity(self):
        return [self.scale, self.side, *self.seed]


def _file_identity(path):
    status = path.stat()
    return [str(path.resolve()), status.st_size, status.st_mtime_ns]
