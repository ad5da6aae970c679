"""The server's end of the worker process: starts it, gives it jobs, and replaces it when it has died."""

import asyncio
import collections
import contextlib
import json
import logging
import os
import pathlib
import signal
import sys

_log = logging.getLogger(__name__)
_LAST_LINES = 20  # of the worker's error output, for the log
_ROOT = pathlib.Path(__file__).parent.parent.parent
# -P: the current folder, which the user chose, is not searched for modules.
COMMAND = (sys.executable, "-P", "-m", "srgan_tf.web.worker")


class DiedError(Exception):
    """The worker ended in the middle of a job; the message says how."""


class WorkerProcess:
    """One worker process, started when it is first needed.

    Args:
        command: of the process; another one in tests.
        stopping: see `Limits`.
    """

    def __init__(self, command=COMMAND, *, stopping=60.0):
        self._command = command
        self._stopping = stopping
        self._process = None
        self._errors = collections.deque(maxlen=_LAST_LINES)
        self._reader = None

    @property
    def pid(self):
        """Process id; None before the start."""
        return self._process.pid if self._process else None

    async def preload(self, model):
        """Asks the worker to load a model; does not wait for it."""
        await self._start()
        await self._send({"preload": model})

    async def upscale(self, job, report, cancelled):
        """Does a job.

        Args:
            job: what `worker.Upscaling.run` takes.
            report: called with each message about it.
            cancelled: an `asyncio.Event`; when it is set the job ends soon, at the next tile.

        Returns:
            The last message.

        Raises:
            DiedError: the process ended. The next job gets a new one.
        """
        await self._start()
        await self._send(job)
        watch = asyncio.create_task(self._cancel(job["id"], cancelled))
        try:
            while line := await self._process.stdout.readline():
                message = json.loads(line)
                if message.get("id") != job["id"]:  # about loading before the first job
                    if "error" in message:
                        _log.warning("cannot load the model: %s", message["error"])
                    continue
                if message["state"] in ("done", "failed", "cancelled"):
                    return message
                report(message)
            raise DiedError(await self._how_it_ended())
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _cancel(self, job_id, cancelled):
        await cancelled.wait()
        await self._send({"cancel": job_id})
        await asyncio.sleep(self._stopping)
        self._process.kill()

    async def _send(self, command):
        with contextlib.suppress(ConnectionError):  # it has died: reading says so
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            await self._process.stdin.drain()

    async def _start(self):
        if self._process is not None and self._process.returncode is None:
            return
        paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**quiet, **os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,  # Ctrl+C in the terminal reaches the server, which then ends the worker
        )
        self._errors.clear()
        self._reader = asyncio.create_task(self._read_errors(self._process.stderr))

    async def _read_errors(self, stream):
        while part := await stream.read(1 << 16):  # not by lines, which may be longer than the buffer
            self._errors.extend(part.decode(errors="replace").splitlines())

    async def _how_it_ended(self):
        try:
            code = await asyncio.wait_for(self._process.wait(), 5)
        except TimeoutError:  # it closed its output and went on
            self._process.kill()
            code = await self._process.wait()
        await self._reader
        for line in self._errors:
            _log.warning("worker: %s", line)
        if code >= 0:
            return f"it exited with code {code}"
        with contextlib.suppress(ValueError):
            name = signal.Signals(-code).name
            return f"it was ended by {name}{', perhaps for lack of memory' if -code == signal.SIGKILL else ''}"
        return f"it was ended by signal {-code}"

    async def close(self):
        """Ends the process."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader
