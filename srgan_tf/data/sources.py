"""Sources of picture pairs, by the names that `--data` takes.

div2k            DIV2K through tensorflow-datasets, downloaded on first use; bicubic LR of the run's scale
div2k/CONFIG     a configuration of it, such as div2k/realistic_mild_x4
synthetic        pictures drawn from a seed
FOLDER           HR pictures, also in its subfolders; LR is made by MATLAB-like bicubic
FOLDER           with HR/ and LR/ in it: pairs with the same file names
FOLDER           with DIV2K_train_HR/ ... in it: DIV2K as its archives unpack; bicubic LR of the run's scale
FOLDER:CONFIG    the same with the LR pictures of a configuration, such as DIV2K:realistic_mild_x4
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from srgan_tf.data.alignment import AlignedLoader
from srgan_tf.data.div2k import CONFIGURATIONS, div2k_loaders, find_configuration
from srgan_tf.data.loaders import drawings, file_pairs, hr_files
from srgan_tf.data.pairs import Loader, Pair, UnreadableError
from srgan_tf.errors import UserError, WorkError

Split = Literal["train", "valid"]

_WORKERS = 4  # threads that load pairs
_AHEAD_PIXELS = 48 * 2**20  # HR pixels that are loaded ahead; downscaling needs about 20 bytes for each


@dataclasses.dataclass(frozen=True)
class Source:
    """Pairs that are loaded during iteration, a few ahead, so that memory does not grow with their number.

    Attributes:
        name: name in reports: the folder's name, or the source's own; a valid folder name.
        loaders: one `Loader` for each pair; for iteration, any function of no arguments that returns a pair.
        has_splits: True if it has separate train and valid pictures, False if it has one set for both.
        chosen: indices of the loaders whose pairs it has; None for all.
        lr_is_given: True if the source has files of LR pictures.
        misaligned: True if LR is shifted against HR by an unknown amount.
        lr_is_replaced: True if its files of LR pictures have another scale, so LR is made from HR instead.
    """

    name: str
    loaders: Sequence[Loader | Callable[[], Pair]]
    has_splits: bool = False
    chosen: Sequence[int] | None = None
    lr_is_given: bool = False
    misaligned: bool = False
    lr_is_replaced: bool = False

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
        """Memory that the pixels of its pairs need, bytes."""
        scales = (self.loaders[index].scale for index in self.indices)
        areas = (height * width for height, width in self.hr_sizes)
        return sum(3 * (area + int(area / scale**2)) for area, scale in zip(areas, scales, strict=True))

    def __len__(self) -> int:
        return len(self.indices)

    def __iter__(self) -> Iterator[Pair]:
        with contextlib.closing(self.attempts()) as results:
            for result in results:
                if isinstance(result, WorkError):
                    raise result
                yield result

    def attempts(self) -> Iterator[Pair | WorkError]:
        """Its pairs; for a pair that cannot be loaded, the error instead.

        Up to four pairs are loaded ahead, fewer if they are large: together at most 48 megapixels of HR, or one
        picture.
        """
        # Decoding and resizing release the GIL, so threads run in parallel.
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

    def aligned(self) -> "Source":
        """The same source with the shift between LR and HR removed."""
        return dataclasses.replace(self, loaders=[AlignedLoader(loader) for loader in self.loaders], misaligned=False)

    def all(self) -> "Source":
        """The same source with every pair."""
        return dataclasses.replace(self, chosen=None)

    def select(self, positions: Sequence[int]) -> "Source":
        """The same source with only some of its pairs."""
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
    data: str,
    *,
    split: Split,
    scale: float,
    synthetic_count: int = 8,
    synthetic_size: int = 256,
    seed: int = 0,
    may_replace_lr: bool = False,
) -> Source:
    """Opens a source of pairs; nothing is decoded yet.

    Args:
        data: "div2k", "div2k/CONFIG", "synthetic", "FOLDER" or "FOLDER:CONFIG", see the module's docstring.
        split: which pictures, if the source has both; else all.
        scale: HR size over LR size.
        synthetic_count: number of pictures that "synthetic" draws.
        synthetic_size: side of its HR pictures, pixels.
        seed: seed of its pictures; train and valid pictures differ for every seed.
        may_replace_lr: make LR from HR if a folder has HR/ and LR/ of another scale; otherwise that is an error of
            its pairs.

    Raises:
        UserError: an empty name, an unknown source, a configuration of another scale, an empty folder, or HR and LR
            files that do not match.
    """
    if not data:
        raise UserError("a data source has an empty name: give a folder, such as '.'")
    if data == "div2k" or data.removeprefix("div2k/") in CONFIGURATIONS:
        configuration = find_configuration(data.removeprefix("div2k/") if "/" in data else f"bicubic_x{scale:g}", scale)
        return Source(
            data.replace("/", "_"),
            div2k_loaders(configuration, split),
            has_splits=True,
            misaligned=configuration.misaligned,
        )
    if data == "synthetic":
        domain = {"train": 0, "valid": 1}[split]
        return Source("synthetic", drawings((seed, domain), synthetic_count, synthetic_size, scale), has_splits=True)
    path, configuration = split_name(data)
    folder = pathlib.Path(path)
    if not folder.is_dir():
        if data.startswith("div2k/"):
            find_configuration(data.removeprefix("div2k/"), scale)
        raise UserError(f"no data {data!r}: expected 'div2k', 'synthetic' or a folder of pictures")
    if configuration or any((folder / f"DIV2K_{name}_HR").is_dir() for name in ("train", "valid")):
        return _unpacked_div2k(folder, configuration, split, scale)
    name = folder.resolve().name
    if (folder / "HR").is_dir():
        if not (folder / "LR").is_dir():
            raise UserError(f"{data!r} has HR/ but no LR/ beside it: give {str(folder / 'HR')!r} to have LR made")
        loaders = file_pairs(name, folder / "HR", folder / "LR", scale)
        if may_replace_lr and not loaders[0].has_scale():
            return Source(name, hr_files(folder / "HR", scale), lr_is_replaced=True)
        return Source(name, loaders, lr_is_given=True)
    return Source(name, hr_files(folder, scale))


def split_name(data: str) -> tuple[str, str]:
    """The folder of a source's name, and the configuration of DIV2K after a colon, "" without one."""
    folder, colon, configuration = data.rpartition(":")
    if colon and not pathlib.Path(data).exists() and pathlib.Path(folder).is_dir():
        return folder, configuration
    return data, ""


def _try(function):
    """The result of a function, or the error why there is none."""
    try:
        return function()
    except WorkError as error:
        return error
    except MemoryError:
        return WorkError(f"not enough memory to read {getattr(function, 'name', 'a picture')!r}")


def _hr_pixels(loader):
    """Number of HR pixels; 0 for a plain function, and for a damaged header: such a file fails before decoding."""
    size = _try(loader.hr_size) if hasattr(loader, "hr_size") else (0, 0)
    return 0 if isinstance(size, WorkError) else size[0] * size[1]


def _unpacked_div2k(folder, configuration, split, scale):
    """The pairs of a split of DIV2K's unpacked archives; bicubic LR is made if there is no configuration and no LR."""
    data = f"{folder}:{configuration}" if configuration else str(folder)
    found = [name for name in ("train", "valid") if (folder / f"DIV2K_{name}_HR").is_dir()]
    if split not in found:
        present = f"DIV2K_{found[0]}_HR but no" if found else "no"
        raise UserError(f"{data!r} has {present} DIV2K_{split}_HR")
    name, hr_folder = folder.resolve().name, folder / f"DIV2K_{split}_HR"
    if configuration:
        chosen = find_configuration(configuration, scale)
    else:
        chosen = CONFIGURATIONS.get(f"bicubic_x{scale:g}")
        if chosen is None or not (folder / chosen.folder.format(split=split)).is_dir():
            return Source(name, hr_files(hr_folder, scale), has_splits=len(found) == 2)
    lr_folder = folder / chosen.folder.format(split=split)
    if not lr_folder.is_dir():
        raise UserError(f"{data!r} has no folder {str(lr_folder.relative_to(folder))!r}")
    return Source(
        f"{name}_{chosen.name}" if configuration else name,
        file_pairs(name, hr_folder, lr_folder, scale, chosen.suffix, versions=chosen.versions),
        # With several LR pictures of one HR picture, validation pictures can't be held out of the training pictures.
        has_splits=len(found) == 2 or chosen.versions,
        lr_is_given=True,
        misaligned=chosen.misaligned,
    )
