"""The configurations of DIV2K, and DIV2K through tensorflow-datasets.

The names are those of tensorflow-datasets. `bicubic_*` and `unknown_*` are the tracks of NTIRE 2017; `bicubic_x8` and
`realistic_*` are those of NTIRE 2018, see docs/NTIRE18.md.
"""

import dataclasses
import functools
import io
import logging
import pathlib
from typing import Any

from srgan_tf.data.pairs import cropped_size, fit_pair
from srgan_tf.errors import UserError, WorkError, first_line
from srgan_tf.images import pictures

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """A kind of LR pictures of DIV2K.

    Attributes:
        name: as in tensorflow-datasets.
        scale: HR size over LR size.
        folder: of the LR pictures in the unpacked archive, "{split}" standing for "train" or "valid".
        suffix: regular expression of what follows the HR picture's name in the LR picture's name.
        misaligned: whether LR is shifted against HR.
        versions: whether a training picture has several LR pictures.
    """

    name: str
    scale: int
    folder: str
    suffix: str
    misaligned: bool = False
    versions: bool = False


def _numbered(kind, scales):
    folder = f"DIV2K_{{split}}_LR_{kind}/X"
    return [Configuration(f"{kind}_x{scale}", scale, f"{folder}{scale}", f"x{scale}") for scale in scales]


def _realistic(kind, suffix, **options):
    folder = f"DIV2K_{{split}}_LR_{kind}"
    return Configuration(f"realistic_{kind}_x4", 4, folder, suffix, misaligned=True, **options)


CONFIGURATIONS = {
    configuration.name: configuration
    for configuration in (
        *_numbered("bicubic", (2, 3, 4)),
        Configuration("bicubic_x8", 8, "DIV2K_{split}_LR_x8", "x8"),
        *_numbered("unknown", (2, 3, 4)),
        _realistic("mild", "x4m"),
        _realistic("difficult", "x4d"),
        _realistic("wild", "x4w[1-4]?", versions=True),
    )
}


def find_configuration(name, scale):
    """The configuration of a name.

    Args:
        name: key of `CONFIGURATIONS`.
        scale: HR size over LR size that is needed.

    Raises:
        UserError: an unknown name, or a configuration of another scale.
    """
    if name not in CONFIGURATIONS:
        raise UserError(f"DIV2K has no configuration {name!r}: expected one of {', '.join(CONFIGURATIONS)}")
    configuration = CONFIGURATIONS[name]
    if configuration.scale != scale:
        raise UserError(f"the configuration {name!r} of DIV2K has scale {configuration.scale} (received scale {scale})")
    return configuration


def div2k_loaders(configuration, split):
    """Loaders of DIV2K's pairs, downloaded and prepared on first use, with the LR pictures of its authors.

    Args:
        configuration: a `Configuration`.
        split: "train" or "valid".

    Returns:
        List of `Loader`.

    Raises:
        WorkError: it could not be downloaded or prepared; the message says what to do.
    """
    import tensorflow_datasets as tfds  # takes seconds to import

    full_name = f"div2k/{configuration.name}"
    builder = tfds.builder(full_name)
    if not builder.is_prepared():
        # The only format of tensorflow-datasets with random access to examples.
        builder = tfds.builder(full_name, file_format="array_record")
        _log.info("preparing %s in %s, with a download of 4 to 5 GB", full_name, builder.data_dir)
    try:
        builder.download_and_prepare()
    except Exception as error:  # many types, from a missing network to a full disk
        raise WorkError(
            f"DIV2K could not be downloaded ({type(error).__name__}: {first_line(error)}). Put its zip files into "
            f"{str(pathlib.Path(builder.data_dir).parents[2] / 'downloads' / 'manual')!r}, or unpack them into one "
            "folder and pass that to --data"
        ) from error
    part = "train" if split == "train" else "validation"
    encoded = {key: tfds.decode.SkipDecoding() for key in ("lr", "hr")}
    if builder.info.file_format.value == "array_record":
        examples = builder.as_data_source(part, decoders=encoded)
    else:
        _log.warning(
            "DIV2K in %s was prepared as %s, a format without random access, which is slow here; delete that folder "
            "to prepare it again",
            builder.data_dir,
            builder.info.file_format.value,
        )
        examples = _Slices(builder, part, encoded)
    status = (pathlib.Path(builder.data_dir) / "dataset_info.json").stat()
    origin = (str(builder.data_dir), part, status.st_mtime_ns)
    count = builder.info.splits[part].num_examples
    return [_Example(f"{index:04d}", examples, index, origin, configuration.scale) for index in range(count)]


class _Slices:
    """Examples by index, from a data set in a format without random access."""

    def __init__(self, builder, part, decoders):
        self._read = functools.partial(builder.as_dataset, decoders=decoders)
        self._part = part

    def __getitem__(self, index):
        (example,) = self._read(split=f"{self._part}[{index}:{index + 1}]").as_numpy_iterator()
        return example


@dataclasses.dataclass(frozen=True)
class _Example:
    """A pair of encoded pictures in a tensorflow-datasets data source.

    Attributes:
        name: name of the pair.
        examples: sequence of dictionaries with "lr" and "hr", bytes.
        index: position in `examples`.
        origin: JSON values that identify the data set and its split.
        scale: HR size over LR size.
    """

    name: str
    examples: Any
    index: int
    origin: tuple
    scale: int

    def __call__(self):
        example = self.examples[self.index]
        lr, hr = (pictures.read_picture(io.BytesIO(example[key])) for key in ("lr", "hr"))
        return fit_pair(self.name, lr, hr, self.scale, f"LR {self.name}", f"HR {self.name}")

    def hr_size(self):
        return cropped_size(pictures.picture_size(io.BytesIO(self.examples[self.index]["hr"])), self.scale)

    def identity(self):
        return [self.scale, self.index, *self.origin]
