"""`python -m benchmarks family`: every x4 preset from training to export with one small budget, as a table.

    python -m benchmarks family --data photos --valid Set5 --score Set14 --output runs/family
    python -m benchmarks family --data photos --valid Set5 --score Set14 --seeds msrgan_x4=3 --output runs/family

All presets train on the same pictures; those with the same generator and pretraining share the pretraining. Each
training is interrupted once in the middle and resumed. Its generator is then scored, upscales a picture in tiles,
which is compared with the whole picture, and is exported. Each of these is a process of the command that users have.
The same command continues an interrupted run and repeats what has failed. OUTPUT/table.md and OUTPUT/table.json have
the results.

The cost of a row is the CPU time of its training processes, user and system, on all cores: it depends less on other
programs than the elapsed time.
"""

import argparse
import contextlib
import pathlib
import signal
import sys

from benchmarks import family_table
from benchmarks.family_rows import NAMES, Budget, rows_of, start_of
from benchmarks.family_stages import Record, evaluate, scored_on, work
from srgan_tf.commands import cli
from srgan_tf.errors import WorkError
from srgan_tf.training.names import PRETRAIN


def main(arguments):
    """Trains, scores, upscales, exports, and writes the tables.

    Args:
        arguments: the command line after the command's name.

    Raises:
        WorkError: some rows have failed.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks family")
    parser.add_argument("--data", required=True, help="pictures to train on")
    parser.add_argument("--valid", required=True, help="validation pictures")
    parser.add_argument("--score", required=True, help="pictures of the table")
    parser.add_argument(
        "--degraded", help="HR/ and LR/ that score the presets for degraded photographs (default: --score)"
    )
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder of the results")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this preset; may be repeated")
    parser.add_argument(
        "--seeds", action="append", type=_seeds, default=[], metavar="PRESET=N", help="number of seeds; may be repeated"
    )
    parser.add_argument(
        "--pretrain-steps", type=cli.positive_int, default=1000, help="steps of each pretraining (default: %(default)s)"
    )
    parser.add_argument(
        "--gan-steps", type=cli.positive_int, default=300, help="steps of each GAN phase (default: %(default)s)"
    )
    flags = parser.parse_args(arguments)
    flags.budget = Budget(flags.pretrain_steps, flags.gan_steps)
    rows = rows_of(flags.only or NAMES, dict(flags.seeds), flags.budget)
    with _sigterm_as_exception():
        for index, row in enumerate(rows, start=1):
            print(f"{index}/{len(rows)} {row.name}", flush=True)
            work(row, flags)
            write_tables(rows[:index], flags)
    failed = [row.name for row in rows if Record(flags.output, row.name).facts["failed"]]
    if failed:
        raise WorkError(f"{len(failed)} of {len(rows)} rows failed: {', '.join(failed)}; see table.json")
    print(f"done: {flags.output / 'table.md'}")


@contextlib.contextmanager
def _sigterm_as_exception():
    """SIGTERM raises SystemExit, so that the command that is running is ended too."""
    handler = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def write_tables(rows, flags):
    """Writes the tables of some rows, one for each set of pictures that scores them, with bicubic first.

    A pretraining is followed by the GAN phases that start from it.
    """
    order = {row: number for number, row in enumerate(rows)}
    starts = {row: order.get(start_of(row, flags.budget), len(rows)) for row in rows}
    rows = sorted(rows, key=lambda row: (starts[row], row.phase != PRETRAIN, order[row]))
    groups = []
    for data in dict.fromkeys(scored_on(row.preset, flags) for row in rows):
        records = [Record(flags.output, row.name).facts for row in rows if scored_on(row.preset, flags) == data]
        groups.append((data, [_bicubic(data, flags), *records]))
    family_table.write(flags.output, groups)


def _bicubic(data, flags):
    name = "bicubic" if data == flags.score else "bicubic_degraded"
    record = Record(flags.output, name)
    if "scores" not in record.facts:
        record.write(scores=evaluate("bicubic", name, data, flags, record))
    return record.facts


def _seeds(text):
    name, separator, number = text.partition("=")
    if name not in NAMES or not separator:
        raise argparse.ArgumentTypeError(f"expected PRESET=N, such as msrgan_x4=3 (received {text!r})")
    return name, cli.positive_int(number)
