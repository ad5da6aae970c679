"""DIV2K through tensorflow-datasets."""

import dataclasses
import functools
import io
import logging
import pathlib
from typing import Any

from srgan_tf.data.pairs import cropped_size, fit_pair
from srgan_tf.errors import WorkError, first_line
from srgan_tf.images import pictures

_log = logging.getLogger(__name__)


def div2k_loaders(split, scale):
    """Loaders of DIV2K's pairs, downloaded and prepared on first use, with the authors' own bicubic LR.

    Args:
        split: "train" or "valid".
        scale: HR size over LR size.

    Returns:
        List of `Loader`.

    Raises:
        WorkError: it could not be downloaded or prepared; the message says what to do.
    """
    import tensorflow_datasets as tfds  # takes seconds to import: only for who needs it

    builder = tfds.builder(f"div2k/bicubic_x{scale}")
    if not builder.is_prepared():
        # The one format of tensorflow-datasets in which a picture can be read without those before it.
        builder = tfds.builder(f"div2k/bicubic_x{scale}", file_format="array_record")
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
    encoded = {key: tfds.decode.SkipDecoding() for key in ("lr", "hr")}
    if builder.info.file_format.value == "array_record":
        examples = builder.as_data_source(part, decoders=encoded)
    else:
        _log.warning(
            "DIV2K in %s was prepared as %s, slow to read in parts: delete that folder to have it prepared again",
            builder.data_dir,
            builder.info.file_format.value,
        )
        examples = _Slices(builder, part, encoded)
    status = (pathlib.Path(builder.data_dir) / "dataset_info.json").stat()
    origin = (str(builder.data_dir), part, status.st_mtime_ns)
    count = builder.info.splits[part].num_examples
    return [_Example(f"{index:04d}", examples, index, origin, scale) for index in range(count)]


class _Slices:
    """Examples by number, of a data set in a format that is made to be read from its beginning."""

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
        name: of the pair.
        examples: sequence of dictionaries with "lr" and "hr", bytes.
        index: which of them.
        origin: JSON values that say where the examples come from.
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
