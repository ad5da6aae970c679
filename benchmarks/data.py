"""Patches per second of the data pipeline alone, at several patch and batch sizes.

    python -m benchmarks data --data DIV2K
    python -m benchmarks data --data photos --store disk --batch-size 16 --hr-patch-size 96
    python -m benchmarks data --data photos --step-milliseconds 5

The third command adds the data wait: the share of the time in which a device that takes 5 ms for a step has no
batch. For comparison, the last row has the crops per second if a picture is decoded for each crop.
"""

import logging
import os
import pathlib
import time

from benchmarks.timing import calls_per_second
from srgan_tf.commands import cli

_log = logging.getLogger(__name__)


def main(arguments):
    """Measures, and logs a table.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks data")
    parser.add_argument(
        "--data", action="append", required=True, metavar="DATA", help="training pictures, as for srgan-tf train"
    )
    parser.add_argument("--batch-size", type=int, nargs="+", default=[16, 64], metavar="N", help="default: 16 64")
    parser.add_argument(
        "--hr-patch-size", type=int, nargs="+", default=[96, 128, 192], metavar="N", help="pixels; default: 96 128 192"
    )
    parser.add_argument("--scale", type=int, choices=(2, 3, 4, 8), default=4, help="default: %(default)s")
    parser.add_argument(
        "--degradation", choices=("bicubic", "realistic"), default="bicubic", help="default: %(default)s"
    )
    parser.add_argument("--patch-uses", type=int, default=1, metavar="N", help="data.patch_uses (default: %(default)s)")
    parser.add_argument("--store", choices=("auto", "memory", "disk"), default="auto", help="default: %(default)s")
    parser.add_argument("--cache", default="", help="folder of the stores on disk (default: the user's cache folder)")
    parser.add_argument(
        "--step-milliseconds",
        type=float,
        metavar="MS",
        help="also measure the data wait of a device whose steps have this length",
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="length of each measurement (default: %(default)s)")
    flags = parser.parse_args(arguments)
    for side in flags.hr_patch_size:
        if side < flags.scale or side % flags.scale:
            parser.error(f"--hr-patch-size must be a multiple of the scale {flags.scale} (received {side})")

    import psutil

    from srgan_tf.data.pipeline import TrainingPictures, hr_crop_size, load_pairs
    from srgan_tf.data.sources import open_source

    begun = time.perf_counter()
    sources = [open_source(data, split="train", scale=flags.scale) for data in flags.data]
    smallest = hr_crop_size(min(flags.hr_patch_size), flags.scale, flags.degradation)
    pairs = load_pairs(sources, min_hr_side=smallest, store=flags.store, cache=flags.cache)
    area = sum(pair.hr.shape[0] * pair.hr.shape[1] for pair in pairs)
    _log.info(
        "%d pictures, %.0f megapixels, ready after %.1f s; %d cores",
        len(pairs),
        area / 1e6,
        time.perf_counter() - begun,
        os.cpu_count(),
    )
    waits = flags.step_milliseconds is not None
    _log.info("%8s %6s %12s %8s%s", "HR patch", "batch", "patches/s", "MB/s", f" {'data wait':>10}" if waits else "")
    for side in flags.hr_patch_size:
        crop_size = hr_crop_size(side, flags.scale, flags.degradation)
        large = [pair for pair in pairs if min(pair.hr.shape[:2]) >= crop_size]
        if not large:
            _log.info("%8d  all pictures are smaller", side)
            continue
        for batch_size in flags.batch_size:
            pictures = TrainingPictures(
                large,
                batch_size=batch_size,
                hr_patch_size=side,
                scale=flags.scale,
                degradation=flags.degradation,
                patch_uses=flags.patch_uses,
            )
            batches = pictures.batches(0, 2**40, seed=0)
            speed = batch_size * batches_per_second(batches, flags.seconds)
            megabytes = speed * 3 * side**2 * (1 + 1 / flags.scale**2) / 1e6
            wait = f" {wait_share(batches, flags.step_milliseconds / 1000, flags.seconds):10.2%}" if waits else ""
            _log.info("%8d %6d %12.0f %8.0f%s", side, batch_size, speed, megabytes, wait)
    _log.info("memory of this process: %.2f GiB", psutil.Process().memory_info().rss / 2**30)
    _log_decoding(flags, side=min(flags.hr_patch_size), batch_size=flags.batch_size[0])


def batches_per_second(batches, seconds):
    """Batches per second of an infinite dataset: the median of three intervals of `seconds`."""
    iterator = iter(batches)
    return calls_per_second(lambda: next(iterator), seconds)


def wait_share(batches, step, seconds):
    """Share of the time in which a device waits for data.

    The loop is that of training: it gives the device a batch as soon as it has one, and waits for the device every
    `RUN_AHEAD` steps. After that the device has nothing to do until the next batch is there. The device is simulated:
    only the time at which it ends each step is computed.

    Args:
        batches: infinite dataset.
        step: seconds that the device takes for a step.
        seconds: length of the measurement.
    """
    from srgan_tf.training.progress import RUN_AHEAD

    iterator = iter(batches)
    for _ in range(RUN_AHEAD):  # a warm-up
        next(iterator)
    idle = 0.0
    begun = ready = time.perf_counter()  # ready: when the device has done all that it was given
    while ready < begun + seconds:
        for _ in range(RUN_AHEAD):
            next(iterator)
            given = time.perf_counter()
            idle += max(0.0, given - ready)
            ready = max(given, ready) + step
        time.sleep(max(0.0, ready - time.perf_counter()))
    return idle / (ready - begun)


def _log_decoding(flags, side, batch_size):
    """Logs the speed when a picture of the first folder is decoded for each crop."""
    folders = [pathlib.Path(data) for data in flags.data if os.path.isdir(data)]
    if not folders:
        return
    inside = (folders[0] / name for name in ("DIV2K_train_HR", "HR"))
    folder = next((path for path in inside if path.is_dir()), folders[0])
    speed = batch_size * batches_per_second(_decoded_crops(folder, side, batch_size), flags.seconds)
    _log.info(
        "%8d %6d %12.1f          decoding a picture of %s for each crop, HR only", side, batch_size, speed, folder
    )


def _decoded_crops(folder, side, batch_size):
    """Crops from pictures that are decoded for each crop, as in most projects."""
    import numpy as np
    import tensorflow as tf

    from srgan_tf.images.listing import list_pictures
    from srgan_tf.images.pictures import picture_size, read_picture

    paths = [path for path in list_pictures(folder) if min(picture_size(path)) >= side]

    def cut(index):
        picture = read_picture(paths[index % len(paths)])
        rng = np.random.default_rng(index)
        top, left = (rng.integers(size - side + 1) for size in picture.shape[:2])
        return picture[top : top + side, left : left + side]

    def crop(index):
        return tf.ensure_shape(tf.numpy_function(cut, [index], tf.uint8, stateful=False), (side, side, 3))

    crops = tf.data.Dataset.range(2**40).map(crop, num_parallel_calls=tf.data.AUTOTUNE)
    return crops.batch(batch_size).prefetch(tf.data.AUTOTUNE)
