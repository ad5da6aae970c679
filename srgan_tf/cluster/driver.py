"""Upscales a folder on a cluster: plan, batches, actors, results, summary.

The driver keeps an iterator over the plan and the batches in flight, one for each actor. Pictures and results are read
and written by the actors; only names and lines go through Ray.
"""

import collections
from typing import NamedTuple

from srgan_tf.cluster.batches import batches, pictures_per_batch
from srgan_tf.cluster.connection import connected
from srgan_tf.cluster.places import LocalFolder, RemoteFolder, open_folder
from srgan_tf.cluster.plan import pictures_to_do, survey
from srgan_tf.cluster.pool import Lost, Pool
from srgan_tf.cluster.record import Failures, check_record, read_record, write_record
from srgan_tf.errors import UserError, WorkError
from srgan_tf.files import make_folder
from srgan_tf.photos.jobs import Result
from srgan_tf.photos.suffixes import note_on

_TRIES = 2  # of a picture whose process dies, the second one alone
_LOST_NODES = 4  # of a picture whose node is lost
_DEATHS_IN_A_ROW = 20


class Summary(NamedTuple):
    """What a run did: numbers of pictures, and a note on files of unsupported formats or ""."""

    upscaled: int
    kept: int
    note: str


def upscale_folder(options, *, cluster, cores, existing, report, started, progress):
    """Upscales the pictures of a folder on a Ray cluster.

    Args:
        options: `actor.Options`.
        cluster: see `connection.connected`.
        cores: for an actor on nodes without GPU.
        existing: "skip" keeps results that exist, "overwrite" replaces them, "refuse" raises an error for one.
        report: called with a line about each picture.
        started: called with the `Loaded` of the first actor, the number of pictures to do and of those that are kept.
        progress: called with the number of finished pictures.

    Returns:
        `Summary`.

    Raises:
        UserError: there is no picture, no cluster or no such model; or the output folder holds results of another model
            or other options.
        WorkError: some pictures failed, the disk is full, or the cluster has no usable node.
    """
    source, target = open_folder(options.source), open_folder(options.target)
    _check_places(source, target)
    found = survey(source, target, options.file_format)
    record = read_record(target)
    if found.existing and (record is None or existing == "refuse"):
        first = target.name(found.first_existing)
        unknown = "" if existing == "refuse" else ", made by a run that left no record of its model"
        raise UserError(f"{found.existing} results exist, first {first!r}{unknown}: give another --output")
    kept = found.existing if existing == "skip" else 0
    to_do = found.pictures - kept
    check_record(target, record, _settings(options))
    with connected(cluster) as ray:
        pool = Pool(ray, options, cores=cores, most=max(1, to_do), report=report)
        asked = options.model["precision"]
        first = pool.start(asked if asked != "auto" else record and record.get("precision"))
        wanted = {**_settings(options), "precision": first.precision, **first.files}
        check_record(target, record, wanted)
        if isinstance(target, LocalFolder):
            make_folder(options.target)
        write_record(target, wanted, model=options.model["model"], interpolate=options.model["other"])
        started(first, to_do, kept)
        plan = pictures_to_do(source, target, options.file_format, skip_existing=existing == "skip")
        groups = batches(plan, most_pictures=pictures_per_batch(to_do, pool.places()))
        with Failures(target) as failures:
            work = Work(pool, source, target, failures, total=to_do, report=report, progress=progress)
            work.run(groups, keeps_existing=existing != "overwrite")
    if failures.count:
        raise WorkError(
            f"{failures.count} of {to_do} pictures failed; the reasons are in {target.name('failures.jsonl')!r}"
        )
    return Summary(work.done, kept, note_on(found.skipped))


class Work:
    """Gives batches to a pool and counts what becomes of them.

    Args:
        pool: a `Pool`.
        source: the input folder.
        target: the output folder.
        failures: a `Failures`.
        total: number of pictures.
        report: called with a line about each picture.
        progress: called with the number of finished pictures.

    Attributes:
        done: number of finished pictures, failed ones too.
    """

    def __init__(self, pool, source, target, failures, *, total, report, progress):
        self._pool, self._source, self._target, self._failures = pool, source, target, failures
        self._total, self._report, self._progress = total, report, progress
        self._again = collections.deque()  # batches of pictures that were in flight when their actor died
        self._losses = collections.defaultdict(collections.Counter)  # source -> {by process?: number}
        self._deaths_in_a_row = 0
        self._folders = set()  # where a killed process may have left an unfinished file
        self.done = 0

    def run(self, groups, *, keeps_existing):
        """Works through the batches.

        Args:
            groups: iterator of lists of `plan.Picture`.
            keeps_existing: whether a result that exists is one of this run, so that it need not be made again.

        Raises:
            WorkError: the disk is full, or many processes died one after the other.
        """
        following, full = next(groups, None), None
        while following or self._again or self._pool.is_running():
            while self._pool.has_idle() and (self._again or following):
                if self._again:
                    self._pool.submit(self._again.popleft())
                else:
                    self._pool.submit(following)
                    following = next(groups, None)
            for batch, results in self._pool.wait():
                if isinstance(results, Lost):
                    self._after(batch, results, keeps_existing)
                    continue
                self._deaths_in_a_row = 0
                for picture, result in zip(batch, results, strict=False):  # fewer if the disk is full
                    self._finish(picture, result)
                    full = result.failure if result.disk_is_full else full
            if full:  # what is in flight fails too, or is finished
                following, self._again = None, collections.deque()
        if self._folders:
            self._pool.clean(sorted(self._folders))
        if full:
            raise WorkError(f"{full}; {self.done - self._failures.count} of {self._total} pictures are done")

    def _finish(self, picture, result):
        self.done += 1
        self._losses.pop(picture.source, None)
        if result.failure is not None:
            self._failures.add(self._source.name(picture.source), result.failure)
        self._report(f"[{self.done}/{self._total}] {result.line}")
        self._progress(self.done)

    def _after(self, batch, lost, keeps_existing):
        """Plans another try for the pictures of an actor that died, or names those that were tried often enough."""
        self._deaths_in_a_row += lost.by_process
        if self._deaths_in_a_row > _DEATHS_IN_A_ROW:
            raise WorkError(f"{self._deaths_in_a_row} processes in a row died without a result: {lost.reason}")
        again = []
        for picture in batch:
            self._folders.add(picture.target.rpartition("/")[0] or ".")
            if keeps_existing and self._target.has(picture.target):
                self._finish(picture, Result(f"{self._target.name(picture.target)}  finished before its process died"))
                continue
            losses = self._losses[picture.source]
            losses[lost.by_process] += 1
            if losses[True] == _TRIES or losses[False] == _LOST_NODES:
                times = "twice" if losses[True] == _TRIES else f"{_LOST_NODES} times"
                reason = f"{self._source.name(picture.source)!r} was tried {times}: {lost.reason}"
                self._finish(picture, Result(f"failed: {reason}", reason))
            else:
                again.append(picture)
        # Any of them may have killed the process: each is tried alone.
        self._again.extend([[picture] for picture in again] if lost.by_process else filter(None, [again]))


def _check_places(source, target):
    """Checks that the input exists, and that the output neither is nor contains it."""
    if isinstance(source, LocalFolder):
        if not source.resolved().is_dir():
            raise UserError(f"no folder {str(source)!r}: --cluster upscales a folder")
        overlap = isinstance(target, LocalFolder) and target.resolved() in (
            source.resolved(),
            *source.resolved().parents,
        )
    else:
        overlap = isinstance(target, RemoteFolder) and source.is_in(target)
    if overlap:
        raise UserError(f"the output {str(target)!r} is or contains the input {str(source)!r}: give another --output")


def _settings(options):
    """What the results depend on, beside files and an automatic precision; for the record."""
    settings = {name: value for name, value in options.model.items() if name not in ("model", "other", "precision")}
    if options.model["precision"] != "auto":
        settings["precision"] = options.model["precision"]
    settings |= {"scale": options.factor, "size": options.box, "crop": options.crop}
    settings |= {"animation": "all" if options.animated else "first", "format": options.file_format}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()}
