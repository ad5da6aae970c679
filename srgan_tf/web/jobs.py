"""The queue of jobs: one runs, a few wait, more are refused; results are deleted after a time."""

import asyncio
import collections
import contextlib
import logging
import pathlib
import secrets
import time

from srgan_tf.files import remove_folder
from srgan_tf.web.options import SUFFIXES
from srgan_tf.web.process import DiedError

_log = logging.getLogger(__name__)
_BUSY = 5  # seconds after which a refused client may ask again, if no better estimate is known


class FullError(Exception):
    """Too many images wait; `seconds` is when to ask again."""

    def __init__(self, seconds):
        super().__init__("too many pictures are waiting")
        self.seconds = seconds


class Job:
    """An uploaded image and its result.

    Attributes:
        id: random name, which cannot be guessed: whoever has it may download the result.
        options: an `Options`.
        folder: of its files.
        messages: an `asyncio.Queue` of dictionaries for the client; the last has the state "done", "failed" or
            "cancelled".
        cancelled: an `asyncio.Event`.
        last: the last message; None while the job waits or runs.
    """

    def __init__(self, options, parent):
        self.id = secrets.token_urlsafe(16)
        self.options = options
        self.folder = pathlib.Path(parent, self.id)
        self.folder.mkdir(mode=0o700)
        self.messages = asyncio.Queue()
        self.cancelled = asyncio.Event()
        self.last = None
        self.ended_at = None

    @property
    def input(self):
        """Path of the uploaded file."""
        return self.folder / "input"

    @property
    def output(self):
        """Path of the result."""
        return self.folder / f"result{SUFFIXES[self.options.format]}"

    @property
    def before(self):
        """Path of the input as a PNG, made for formats that browsers do not show."""
        return self.folder / "before.png"

    @property
    def file_name(self):
        """Name under which the result is downloaded."""
        return f"{self.options.name}_upscaled{SUFFIXES[self.options.format]}"

    def size(self):
        """Bytes of its files."""
        return sum(path.stat().st_size for path in self.folder.iterdir())


class JobQueue:
    """Gives the jobs to the worker, one after the other.

    Args:
        worker: a `WorkerProcess`.
        limits: a `Limits`.
        folder: for uploads and results.
        clock: function that returns seconds; another one in tests.
    """

    def __init__(self, worker, limits, folder, clock=time.monotonic):
        self.limits = limits
        self._worker = worker
        self._folder = folder
        self._clock = clock
        self._receiving = 0
        self._waiting = collections.deque()
        self._arrived = asyncio.Event()
        self._jobs = {}
        self._running = None
        self._left = None  # estimated seconds of the running job

    @contextlib.asynccontextmanager
    async def place(self):
        """Reserves a place for an upload while it is received.

        Raises:
            FullError: all places are taken.
        """
        if self._receiving + len(self._waiting) >= self.limits.waiting:
            raise FullError(max(1, min(600, round(self._left or _BUSY))))
        self._receiving += 1
        try:
            yield
        finally:
            self._receiving -= 1

    def create(self, options):
        """A new job, whose `input` the caller writes before `submit`."""
        job = Job(options, self._folder)
        self._jobs[job.id] = job
        return job

    def submit(self, job):
        """Puts a job at the end of the queue."""
        self._waiting.append(job)
        self._tell_places()
        self._arrived.set()

    def cancel(self, job):
        """Ends a job that nobody waits for, and deletes its files."""
        job.cancelled.set()
        if job in self._waiting:
            self._waiting.remove(job)
            self._tell_places()
        if job is not self._running:
            self.delete(job)

    def find(self, job_id):
        """The finished job of an id; None if there is none, or if its result was deleted."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.last is not None and job.last["state"] == "done" else None

    def delete(self, job):
        """Deletes a job and its files."""
        self._jobs.pop(job.id, None)
        with contextlib.suppress(OSError):
            remove_folder(job.folder)

    async def run(self):
        """Does the jobs until it is cancelled."""
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            job = self._running = self._waiting.popleft()
            self._tell_places()
            try:
                last = await self._upscale(job)
            except Exception:  # a bug: this job fails, the next ones are done
                _log.exception("job %s", job.id)
                last = {"state": "failed", "status": 500, "error": "internal error, see the log of the server"}
            finally:
                self._running = self._left = None
            self._end(job, last)
            self.delete_old()

    async def _upscale(self, job):
        def report(message):
            self._left = message.get("left")
            job.messages.put_nowait({key: value for key, value in message.items() if key != "id"})

        options = job.options
        try:
            return await self._worker.upscale(
                {
                    "id": job.id,
                    "input": str(job.input),
                    "output": str(job.output),
                    "before": str(job.before),
                    "model": options.model.source,
                    "strength": options.strength,
                    "scale": options.scale,
                    "size": options.size,
                    "pixels": self.limits.pixels,
                    "result_pixels": self.limits.result_pixels,
                },
                report,
                job.cancelled,
            )
        except DiedError as error:
            reason = f"the worker process died while it worked on this picture: {error}"
            return {"state": "failed", "status": 503, "error": reason}

    def _end(self, job, last):
        job.last = {key: value for key, value in last.items() if key != "id"}
        job.ended_at = self._clock()
        job.input.unlink(missing_ok=True)
        if last["state"] == "done":
            job.last["result"] = f"results/{job.id}"
            if job.last.pop("has_before"):
                job.last["before"] = f"results/{job.id}/before"
        job.messages.put_nowait(job.last)
        if last["state"] != "done" or job.cancelled.is_set():
            self.delete(job)

    def delete_old(self):
        """Deletes the results whose time is over, and the oldest ones if together they are too large."""
        ended = sorted((job for job in self._jobs.values() if job.ended_at is not None), key=lambda job: job.ended_at)
        sizes = [job.size() for job in ended]
        stored = sum(sizes)
        for job, size in zip(ended, sizes, strict=True):
            if self._clock() - job.ended_at > self.limits.kept or (
                stored > self.limits.stored and job is not ended[-1]
            ):
                self.delete(job)
                stored -= size

    def _tell_places(self):
        for ahead, job in enumerate(self._waiting, start=1 if self._running else 0):
            job.messages.put_nowait({"state": "waiting", "ahead": ahead})
