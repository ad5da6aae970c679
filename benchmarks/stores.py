"""Compares ways to keep decoded pictures on disk: random crops per second on one thread, and memory.

    python -m benchmarks stores --data photos

The format of this project's store was chosen by it (docs/BENCHMARKS.md). Files are read from the page cache, as in a
run after its first epoch.
"""

import functools
import logging
import pathlib
import tempfile

from benchmarks.timing import calls_per_second
from srgan_tf.commands import cli

_log = logging.getLogger(__name__)

_CROPS_A_PICTURE = 16


def main(arguments):
    """Writes some pictures in every format, measures and logs a table.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks stores")
    parser.add_argument("--data", required=True, metavar="FOLDER", help="folder of pictures")
    parser.add_argument("--pictures", type=int, default=50, help="number of pictures (default: %(default)s)")
    parser.add_argument("--hr-patch-size", type=int, default=96, help="pixels (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each measurement (default: %(default)s)")
    parser.add_argument("--folder", help="where to write (default: a temporary folder)")
    flags = parser.parse_args(arguments)

    from srgan_tf.images.listing import list_pictures
    from srgan_tf.images.pictures import picture_size

    side = flags.hr_patch_size
    paths = [path for path in list_pictures(flags.data) if min(picture_size(path)) >= side][: flags.pictures]
    with tempfile.TemporaryDirectory(dir=flags.folder) as folder:
        readers = _readers(paths, pathlib.Path(folder))
        _log.info("%d pictures; crops of %d pixels, one thread", len(paths), side)
        _log.info("%-52s %10s %14s", "", "crops/s", "memory, MB")
        for name, open_ in readers:
            for crops in (1, _CROPS_A_PICTURE):
                before = _resident()
                read = open_()
                speed = _crops_per_second(read, len(paths), side, crops, flags.seconds)
                memory = (_resident() - before) / 1e6
                _log.info("%-52s %10.0f %14.0f", f"{name}, {crops} a picture", speed, memory)
                del read


def _crops_per_second(read, count, side, crops, seconds):
    import numpy as np

    rng = np.random.default_rng(0)

    def cut():
        picture = read(int(rng.integers(count)))
        for _ in range(crops):
            top, left = (int(rng.integers(size - side + 1)) for size in picture.shape[:2])
            np.array(picture[top : top + side, left : left + side])

    return crops * calls_per_second(cut, seconds, repeats=1, warm_up=0)


def _resident():
    import psutil

    return psutil.Process().memory_info().rss


def _readers(paths, folder):
    """Names of formats, and functions that open one and return a function from a picture's number to its pixels."""
    import numpy as np
    import tensorflow as tf
    from array_record.python import array_record_module

    from srgan_tf.data.store import PixelFile, StoredPicture
    from srgan_tf.images.pictures import read_picture

    shapes, offsets, offset = [], [], 0
    array_record = array_record_module.ArrayRecordWriter(str(folder / "array_record"), "group_size:1,uncompressed")
    with open(folder / "pixels", "wb") as raw, tf.io.TFRecordWriter(str(folder / "tfrecord")) as tfrecord:
        for path in paths:
            pixels = read_picture(path)
            shapes.append(pixels.shape)
            offsets.append(offset)
            offset += raw.write(pixels.tobytes())
            array_record.write(pixels.tobytes())
            tfrecord.write(pixels.tobytes())
    array_record.close()

    def records():
        return tf.data.TFRecordDataset(str(folder / "tfrecord"))

    records().map(lambda record: tf.io.decode_raw(record, tf.uint8)).save(str(folder / "saved"))

    def in_memory():
        pictures = [read_picture(path) for path in paths]
        return pictures.__getitem__

    def memory_mapped():
        pixels = np.memmap(folder / "pixels", np.uint8, "r")
        return lambda index: pixels[offsets[index] :][: np.prod(shapes[index])].reshape(shapes[index])

    def rows_read():
        file = PixelFile(folder / "pixels")
        return lambda index: StoredPicture(file, offsets[index], *shapes[index][:2])

    def record_read():
        reader = array_record_module.ArrayRecordReader(str(folder / "array_record"))
        return lambda index: np.frombuffer(reader.read([index])[0], np.uint8).reshape(shapes[index])

    def in_turn(dataset):
        # It has no random access: pictures come in their stored order.
        pictures = enumerate(dataset().repeat().as_numpy_iterator())

        def read(_):
            position, pixels = next(pictures)
            return np.frombuffer(pixels, np.uint8).reshape(shapes[position % len(shapes)])

        return read

    return [
        ("memory-mapped file", memory_mapped),
        ("pread of a crop's rows", rows_read),
        ("array_record", record_read),
        ("TFRecord, in its order", functools.partial(in_turn, records)),
        ("Dataset.save, in its order", functools.partial(in_turn, lambda: tf.data.Dataset.load(str(folder / "saved")))),
        ("picture files, decoded", lambda: lambda index: read_picture(paths[index])),
        ("arrays in memory", in_memory),
    ]
