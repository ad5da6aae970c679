"""The work of one actor: it loads the model once and upscales batches of pictures.

TensorFlow is imported when the model is loaded, after its number of threads is set.
"""

import contextlib
import functools
import os
import pathlib
import platform
import tempfile
from typing import NamedTuple

from srgan_tf.cluster.places import LocalFolder, open_folder
from srgan_tf.cluster.record import RECORD_FILE
from srgan_tf.errors import UserError, WorkError, first_line, is_disk_full
from srgan_tf.files import remove_leftovers
from srgan_tf.photos.file_formats import PNG_LEVEL

_MOST_ENCODERS = 4
_KNOWN_FOLDERS = 4096  # whose leftovers were removed


class Options(NamedTuple):
    """What `upscale` was asked for; plain values, sent to every actor.

    Attributes:
        source: path or address of the input folder.
        target: of the output folder.
        file_format: of the results, a key of `FORMATS`.
        model: keyword arguments of `assembly.assemble_upscaler`, with `model`.
        factor: see `photos.upscale.Enlargement`.
        box: the same.
        crop: the same, four numbers.
        tile: see `photos.upscale.enlarge`.
        mask: path of a mask on every machine.
        animated: see `photos.jobs.results`.
        max_pixels: the same.
        png_level: see `photos.writing.write_photo`.
    """

    source: str
    target: str
    file_format: str
    model: dict
    factor: float | None = None
    box: tuple | None = None
    crop: tuple | None = None
    tile: int | None = None
    mask: str | None = None
    animated: bool = False
    max_pixels: int | None = None
    png_level: int = PNG_LEVEL


class Loaded(NamedTuple):
    """What an actor reports when its model is loaded.

    Attributes:
        name: of the upscaler.
        scale: its factor.
        device: in words.
        precision: of the network's feature maps, never "auto".
        files: dictionary of "model file", "interpolate file" and "mask file" to checksums, or None if there is none.
    """

    name: str
    scale: float
    device: str
    precision: str
    files: dict


class Refused(NamedTuple):
    """Why an actor cannot work; `is_mistake` if the reason is an option or a file that was given."""

    reason: str
    is_mistake: bool


class Upscaling:
    """Upscales the pictures of a folder. Methods return failures as values.

    Args:
        options: `Options`.
        threads: number of cores.
    """

    def __init__(self, options, threads):
        self._options, self._threads = options, threads
        self._is_shared = False  # the output folder, with the driver
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
            os.environ[name] = str(threads)
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        self._clean = functools.lru_cache(maxsize=_KNOWN_FOLDERS)(remove_leftovers)

    def load(self, precision=None):
        """Loads the model.

        Args:
            precision: that of the other actors; None for the first.

        Returns:
            `Loaded` or `Refused`.
        """
        try:
            return self._load(precision)
        except (UserError, WorkError, MemoryError, OSError) as error:
            return self._refused(first_line(error), is_mistake=isinstance(error, UserError))

    def _refused(self, reason, *, is_mistake=False):
        return Refused(f"{reason} (on the machine {platform.node()!r})", is_mistake)

    def _load(self, precision):
        import tensorflow as tf

        from srgan_tf import hardware
        from srgan_tf.inference.assembly import assemble_upscaler
        from srgan_tf.networks.saved import checksum
        from srgan_tf.photos.parts import Crop
        from srgan_tf.photos.upscale import Enlargement
        from srgan_tf.photos.writing import require_format

        options = self._options
        require_format(options.file_format)
        self._source, self._target = open_folder(options.source), open_folder(options.target)
        if isinstance(self._source, LocalFolder) and not self._source.resolved().is_dir():
            raise WorkError(f"no folder {options.source!r}")
        self._enlargement = Enlargement(options.factor, options.box, options.crop and Crop(*options.crop))
        own = hardware.resolve_precision(options.model["precision"])
        # Exports take no other name than "auto" where their own precision is meant.
        asked = options.model["precision"] if precision in (None, own) else precision
        try:
            self._upscaler = assemble_upscaler(**{**options.model, "factor": options.factor, "precision": asked})
        except tf.errors.OpError as error:  # such as a GPU whose memory others have taken
            raise WorkError(f"cannot load the model: {first_line(error)}") from error
        remove_leftovers(tempfile.gettempdir())
        files = {"model": options.model["model"], "interpolate": options.model["other"], "mask": options.mask}
        return Loaded(
            self._upscaler.name,
            self._upscaler.scale,
            hardware.describe(),
            precision or own,
            {f"{name} file": file and checksum(file) for name, file in files.items()},
        )

    def run(self, batch):
        """Upscales the pictures of a batch. Files are encoded in other threads if the actor has more than one core.

        Args:
            batch: list of `plan.Picture`.

        Returns:
            List of `photos.jobs.Result`. It ends early, with the picture that failed, if the disk is full. `Refused` if
            the output folder has no record of the driver: it is another one of the same path.
        """
        from srgan_tf.photos.jobs import Result, results

        if not self._is_shared:
            try:
                self._is_shared = self._target.has(RECORD_FILE)
            except (WorkError, OSError) as error:
                return self._refused(first_line(error))
        if not self._is_shared:
            return self._refused(f"the output folder {self._options.target!r} is not shared with the driver")
        done = []
        with contextlib.ExitStack() as files:
            opened = [self._open(picture, files) for picture in batch]
            upscaled = results(
                self._upscaler,
                (each[0] for each in opened if not isinstance(each, Result)),
                threads=min(self._threads - 1, _MOST_ENCODERS),
                tile=self._options.tile,
                enlargement=self._enlargement,
                mask=self._options.mask,
                animated=self._options.animated,
                max_pixels=self._options.max_pixels,
                png_level=self._options.png_level,
            )
            with contextlib.closing(upscaled):
                for picture, each in zip(batch, opened, strict=True):
                    done.append(each if isinstance(each, Result) else self._store(picture, *each, next(upscaled)))
                    if done[-1].disk_is_full:
                        break
        return done

    def _open(self, picture, files):
        """(job, context that stores its result) with the files of a picture, or the `Result` of a failure."""
        from srgan_tf.photos.jobs import Job

        try:
            source = files.enter_context(self._source.reading(picture.source))
            storing = files.enter_context(contextlib.ExitStack())
            target = storing.enter_context(self._target.writing(picture.target))
            self._clean(target.parent)
        except (WorkError, OSError) as error:
            return _failure(error)
        return Job(source, target), storing

    def _store(self, picture, job, storing, result):
        """Stores a result; returns it with the names of the picture's files instead of those of their copies."""
        try:
            storing.close()
        except (WorkError, OSError) as error:
            return _failure(error)
        line, failure, _ = result
        copies = {
            str(job.source): self._source.name(picture.source),
            str(job.target): self._target.name(picture.target),
        }
        for copy, name in copies.items():
            line, failure = line.replace(copy, name), failure and failure.replace(copy, name)
        return result._replace(line=line, failure=failure)

    def clean(self, folders):
        """Removes unfinished files of killed processes of this machine from subfolders of the output folder."""
        for folder in folders:
            with self._target.writing(f"{folder}/x") as path:
                remove_leftovers(pathlib.Path(path).parent)


def _failure(error):
    """The `Result` of a picture that could not be copied."""
    from srgan_tf.photos.jobs import Result

    reason = first_line(error)
    return Result(f"failed: {reason}", reason, is_disk_full(error))
