"""The HTTP application: the page, `POST /upscale`, and the results."""

import asyncio
import contextlib
import importlib.resources
import json

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from srgan_tf.evaluation.page import templates
from srgan_tf.files import remove_leftovers, unfinished_folder
from srgan_tf.web import openapi, options
from srgan_tf.web.access import Access
from srgan_tf.web.archive import zip_parts
from srgan_tf.web.jobs import FullError, JobQueue
from srgan_tf.web.limits import Limits
from srgan_tf.web.process import COMMAND, WorkerProcess
from srgan_tf.web.uploads import drain, receive_file, wait_until_gone

LINES = "application/x-ndjson"  # what a client accepts that wants progress instead of a picture
_STYLES, _SCRIPTS = ("theme.css", "viewer.css"), ("viewer.js",)  # shared with report.html
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_SWEEP = 30.0  # seconds between deletions of old results


def create_app(models, *, folder, limits=None, names=("localhost",), token=None, command=COMMAND):
    """The application.

    Args:
        models: from `options.models`; the first is the default and loaded at the start.
        folder: for temporary files, in a folder of its own that is deleted at the end.
        limits: a `Limits`.
        names: see `Access`.
        token: see `Access`.
        command: see `WorkerProcess`.

    Returns:
        An ASGI application. `app.state.queue` and `app.state.worker` exist while it runs.
    """
    limits = limits or Limits()

    @contextlib.asynccontextmanager
    async def lifespan(app):
        remove_leftovers(folder)
        with unfinished_folder(folder) as own:
            app.state.worker = WorkerProcess(command, stopping=limits.stopping)
            app.state.queue = JobQueue(app.state.worker, limits, own)
            await app.state.worker.preload(next(iter(models.values())).source)
            tasks = [asyncio.create_task(app.state.queue.run()), asyncio.create_task(_sweep(app.state.queue))]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await app.state.worker.close()

    app = Starlette(
        routes=[
            Route("/", _page),
            Route("/assets/{name}", _asset),
            Route("/models", _models),
            Route("/openapi.json", _openapi),
            Route("/upscale", _upscale, methods=["POST"]),
            Route("/results/{id}", _result, methods=["GET"]),
            Route("/results/{id}", _delete, methods=["DELETE"]),
            Route("/results/{id}/before", _before),
            Route("/results.zip", _archive),
        ],
        middleware=[Middleware(Access, names=names, token=token)],
        exception_handlers={HTTPException: _error, Exception: _error},
        lifespan=lifespan,
    )
    app.state.models, app.state.limits = models, limits
    return app


async def _sweep(queue):
    while True:
        await asyncio.sleep(_SWEEP)
        queue.delete_old()


async def _error(request, error):
    if isinstance(error, HTTPException):
        reason = error.detail if error.detail[:1].islower() else f"{error.detail.lower()}: {request.url.path}"
        return JSONResponse({"error": reason}, status_code=error.status_code, headers=error.headers)
    return JSONResponse({"error": "internal error, see the log of the server"}, status_code=500)


async def _page(request):
    return Response(_own("page.html"), media_type="text/html; charset=utf-8")


async def _asset(request):
    name = request.path_params["name"]
    if name in (*_STYLES, *_SCRIPTS):
        text = templates.read(name)
    elif name in ("page.css", "page.js", "icon.svg"):
        text = _own(name)
    else:
        raise HTTPException(404)
    return Response(text, headers={"Content-Type": _TYPES[name[name.rindex(".") :]]})


def _own(name):
    return importlib.resources.files("srgan_tf.web").joinpath(name).read_text(encoding="utf-8")


async def _models(request):
    models, limits = request.app.state.models.values(), request.app.state.limits
    return JSONResponse(
        {
            "models": [
                {"name": each.name, "summary": each.summary, "scale": each.scale, "has_strength": each.has_strength}
                for each in models
            ],
            "formats": list(options.FORMATS),
            "limits": {"body": limits.body, "pixels": limits.pixels, "result_pixels": limits.result_pixels},
        }
    )


async def _openapi(request):
    return JSONResponse(openapi.describe(request.app.state.models, request.app.state.limits))


async def _upscale(request):
    queue, limits = request.app.state.queue, request.app.state.limits
    try:
        chosen = options.parse(dict(request.query_params), request.app.state.models)
    except ValueError as error:
        await drain(request, limits)
        raise HTTPException(400, str(error)) from error
    try:
        async with queue.place():
            job = queue.create(chosen)
            try:
                await receive_file(request, job.input, limits)
            except BaseException:
                queue.delete(job)
                raise
        queue.submit(job)
    except FullError as error:
        await drain(request, limits)
        raise HTTPException(429, str(error), headers={"Retry-After": str(error.seconds)}) from error
    except ConnectionError:
        return Response(status_code=499)  # the client has left: nobody reads it
    if LINES in request.headers.get("accept", ""):
        return _Progress(queue, job)
    return await _wait_for_picture(request, queue, job)


async def _wait_for_picture(request, queue, job):
    try:
        async for _ in _messages(request.receive, job):
            pass
    finally:
        if job.last is None:  # the client has left, or the server ends
            queue.cancel(job)
    if job.last is None or job.last["state"] == "cancelled":
        return Response(status_code=499)
    if job.last["state"] == "failed":
        raise HTTPException(job.last["status"], job.last["error"])
    return _Once(queue, job)


async def _messages(receive, job):
    """Yields the messages of a job; ends after the last one, or when the client leaves."""
    gone = asyncio.create_task(wait_until_gone(receive))
    try:
        while True:
            following = asyncio.create_task(job.messages.get())
            await asyncio.wait({gone, following}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                return
            yield following.result()
            if following.result()["state"] in ("done", "failed", "cancelled"):
                return
    finally:
        gone.cancel()


class _Progress(Response):
    """Sends the messages of a job as lines of JSON while they come; cancels the job if the client leaves."""

    def __init__(self, queue, job):
        super().__init__(media_type=LINES)
        self._queue = queue
        self._job = job

    async def __call__(self, scope, receive, send):
        headers = [(b"content-type", LINES.encode())]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            async for message in _messages(receive, self._job):
                line = json.dumps(message).encode() + b"\n"
                await send({"type": "http.response.body", "body": line, "more_body": True})
            if self._job.last is not None:
                await send({"type": "http.response.body", "body": b""})
        finally:
            if self._job.last is None:
                self._queue.cancel(self._job)


class _Once(FileResponse):
    """Sends the result of a job and deletes it."""

    def __init__(self, queue, job):
        notes = "; ".join(job.last["notes"]).encode("ascii", "replace").decode()
        size = "x".join(map(str, job.last["size"]))
        headers = {"X-Size": size, **({"X-Notes": notes} if notes else {})}
        super().__init__(job.output, filename=job.file_name, media_type=options.FORMATS[job.options.format])
        self.headers.update(headers)
        self._queue = queue
        self._job = job

    async def __call__(self, scope, receive, send):
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._queue.delete(self._job)


def _find(request):
    job = request.app.state.queue.find(request.path_params["id"])
    if job is None:
        raise HTTPException(404, "no such result: it may have been deleted, results are kept for a time only")
    return job


async def _result(request):
    job = _find(request)
    disposition = "attachment" if "download" in request.query_params else "inline"
    kind = options.FORMATS[job.options.format]
    return FileResponse(job.output, filename=job.file_name, media_type=kind, content_disposition_type=disposition)


async def _delete(request):
    request.app.state.queue.delete(_find(request))
    return Response(status_code=204)


async def _before(request):
    job = _find(request)
    if not job.before.is_file():
        raise HTTPException(404, "this picture has no preview: browsers show its format")
    return FileResponse(job.before, media_type="image/png")


async def _archive(request):
    jobs = [job for each in request.query_params.getlist("id") if (job := request.app.state.queue.find(each))]
    if not jobs:
        raise HTTPException(404, "none of these results exists")
    headers = {"Content-Disposition": 'attachment; filename="upscaled.zip"'}
    files = [(job.file_name, job.output) for job in jobs]
    return StreamingResponse(zip_parts(files), media_type="application/zip", headers=headers)
