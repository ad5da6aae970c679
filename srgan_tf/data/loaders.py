"""Loaders of pairs: from two files, from an HR file whose LR is made, or from a drawn picture."""

import dataclasses
import pathlib
import re

from srgan_tf.data import synthetic
from srgan_tf.data.pairs import cropped_size, fit_pair, make_pair, sizes_fit
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images import listing, pictures


def drawings(seed, count, side, scale):
    """Loaders of square pictures that are drawn.

    Args:
        seed: tuple of ints; the number of the picture is appended.
        count: number of pictures.
        side: of the HR pictures, pixels.
        scale: HR size over LR size.
    """
    return [_Drawing(f"{index:04d}", (*seed, index), side, scale) for index in range(count)]


def hr_files(folder, scale):
    """Loaders of a folder's HR pictures, also in its subfolders; LR is made by MATLAB-like bicubic.

    Raises:
        UserError: there is no picture.
    """
    paths = listing.list_pictures(folder)
    keys = listing.names_of(path.relative_to(folder) for path in paths)
    return [_HrFile(key, path, scale) for key, path in zip(keys, paths, strict=True)]


def file_pairs(name, hr_folder, lr_folder, scale, suffix="", *, versions=False):
    """Loaders of the pairs of two folders.

    Args:
        name: name of the source, for messages.
        hr_folder: folder of the HR pictures.
        lr_folder: folder of the LR pictures.
        scale: HR size over LR size.
        suffix: regular expression of what an LR picture has after the name of its HR picture.
        versions: an HR picture may have several LR pictures; a pair is then called as its LR picture.

    Raises:
        UserError: there is no picture, or HR and LR names do not match.
    """

    def hr_name(stem):
        return re.sub(f"(?:{suffix})$", "", stem)

    hr_paths, lr_paths = _by_name(hr_folder), _by_name(lr_folder, str if versions else hr_name)
    of_lr = {key: hr_name(key) for key in lr_paths} if versions else {key: key for key in lr_paths}
    for kind, missing in (("LR", hr_paths.keys() - of_lr.values()), ("HR", set(of_lr.values()) - hr_paths.keys())):
        if missing:
            raise UserError(
                f"{len(missing)} pictures of {name!r} have no {kind} of the same name, first {min(missing)!r}"
            )
    return [_FilePair(key, lr_paths[key], hr_paths[of_lr[key]], scale) for key in (lr_paths if versions else hr_paths)]


def _by_name(folder, name_of=str):
    """Paths of a folder's pictures by `name_of` their relative paths without extension."""
    paths = {}
    for path in listing.list_pictures(folder):
        name = name_of(str(path.relative_to(folder).with_suffix("")))
        if name in paths:
            raise UserError(f"two pictures of {str(folder)!r} have one name: {paths[name].name!r}, {path.name!r}")
        paths[name] = path
    return paths


@dataclasses.dataclass(frozen=True)
class _HrFile:
    """A pair whose LR is made from the HR file."""

    name: str
    path: pathlib.Path
    scale: int

    def __call__(self):
        hr = pictures.read_picture(self.path)
        if min(hr.shape[:2]) < self.scale:
            raise WorkError(f"the picture {str(self.path)!r} is smaller than {self.scale:g}x{self.scale:g} pixels")
        return make_pair(self.name, hr, self.scale)

    def hr_size(self):
        return cropped_size(pictures.picture_size(self.path), self.scale)

    def identity(self):
        return [self.scale, *_file_identity(self.path)]


@dataclasses.dataclass(frozen=True)
class _FilePair:
    """A pair from two files."""

    name: str
    lr_path: pathlib.Path
    hr_path: pathlib.Path
    scale: int

    def __call__(self):
        lr, hr = pictures.read_picture(self.lr_path), pictures.read_picture(self.hr_path)
        return fit_pair(self.name, lr, hr, self.scale, str(self.lr_path), str(self.hr_path))

    def has_scale(self):
        """Whether the two files have the scale, by their headers; True if a header is not valid."""
        try:
            return sizes_fit(*map(pictures.picture_size, (self.lr_path, self.hr_path)), self.scale)
        except WorkError:
            return True

    def hr_size(self):
        return cropped_size(pictures.picture_size(self.hr_path), self.scale)

    def identity(self):
        return [self.scale, *_file_identity(self.lr_path), *_file_identity(self.hr_path)]


@dataclasses.dataclass(frozen=True)
class _Drawing:
    """A pair from a picture that is drawn from a seed."""

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
