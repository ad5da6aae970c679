"""The jobs of the worker, done in this process; and the worker as a process (slow)."""

import contextlib
import io
import os
import signal
import threading

import numpy as np
import psutil
import pytest
import requests
from PIL import Image
from support.hostile import png
from support.waiting import wait_until
from support.web_server import serve

pytest.importorskip("uvicorn")
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.resize import imresize
from srgan_tf.web import options
from srgan_tf.web.app import create_app
from srgan_tf.web.process import COMMAND
from srgan_tf.web.worker import Upscaling


@pytest.fixture
def job(tmp_path):
    Image.fromarray(draw_picture(0, 30, 40)).save(tmp_path / "in.png")
    return {
        **{"id": "7", "input": str(tmp_path / "in.png"), "output": str(tmp_path / "out.png")},
        **{"before": str(tmp_path / "before.png"), "model": "bicubic", "strength": None, "scale": 2.0, "size": None},
        **{"pixels": 10_000, "result_pixels": 100_000},
    }


def messages(job, is_cancelled=lambda number: False):
    sent = []
    Upscaling(sent.append, is_cancelled).run(job)
    return sent


def test_a_job(job):
    loading, start, *tiles, done = messages(job)
    assert loading == {"id": "7", "state": "loading"}
    assert (start["state"], start["done"]) == ("running", 0)
    assert start["left"] > 0  # from the speed that was measured after loading
    assert tiles[-1]["done"] == 1
    assert (done["state"], done["input"], done["size"], done["has_before"]) == ("done", [40, 30], (80, 60), False)
    expected = 255 * imresize(draw_picture(0, 30, 40) / 255, 60, 80).clip(0, 1)
    with Image.open(job["output"]) as result:
        assert np.abs(np.asarray(result) - expected).max() < 0.51


def test_a_cancelled_job_writes_nothing(job):
    assert messages(job, lambda number: number == "7")[-1] == {"id": "7", "state": "cancelled"}
    assert not os.path.exists(job["output"])


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (png(100_000, 100_000, data=b""), 413, "the picture has 100000x100000 pixels, more than 0.01 million"),
        (png(101, 100, data=b""), 413, "the picture has 101x100 pixels"),
        (png(40, 30)[:45], 422, "cannot read this image: "),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "cannot read this image: "),
        (b"%PDF-1.7", 422, "cannot read this image: "),
    ],
)
def test_hostile_files(job, content, status, reason):
    with open(job["input"], "wb") as file:
        file.write(content)
    last = messages(job)[-1]
    assert (last["state"], last["status"]) == ("failed", status)
    assert last["error"].startswith(reason)
    assert os.path.dirname(job["input"]) not in last["error"]


@pytest.mark.slow
def test_a_result_that_is_too_large(job):
    last = messages({**job, "scale": 64.0})[-1]
    assert (last["status"], last["error"][:44]) == (413, "the result would have 2560x1920 pixels, more")


def test_formats_that_browsers_do_not_show_get_a_preview(job):
    deep = np.full((30, 40), 40_000, np.uint16)
    Image.fromarray(deep).save(job["input"], "TIFF")
    assert messages(job)[-1]["has_before"]
    with Image.open(job["before"]) as file:
        before = np.asarray(file)
    assert (before.shape, before.dtype, before[0, 0]) == ((30, 40), np.uint8, 40_000 >> 8)


def test_a_model_that_cannot_be_loaded(job):
    last = messages({**job, "model": "/nowhere"})[-1]
    assert (last["status"], last["error"][:19]) == (422, "no model '/nowhere'")


@contextlib.contextmanager
def real_server(folder):
    app = create_app(options.models(), folder=folder, command=COMMAND)
    with serve(app) as port:
        yield app, f"http://localhost:{port}/upscale"


def encoded(height, width):
    file = io.BytesIO()
    Image.fromarray(draw_picture(0, height, width)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.soak)])
def test_many_requests_and_a_worker_killed_in_the_middle(tmp_path, count):
    """Memory of server and worker stays flat, and nothing is left."""
    with real_server(tmp_path) as (app, url):
        for model in ("compact_x4", "bicubic"):
            for query in ({"model": model}, {"model": model, "scale": 3}):
                assert requests.post(url, params=query, data=encoded(24, 32)).status_code == 200
        server, worker = psutil.Process(), psutil.Process(app.state.worker.pid)
        sizes = []
        for number in range(count):
            query = {"model": ("compact_x4", "bicubic")[number % 2], "scale": 2 + number % 3}
            response = requests.post(url, params=query, data=encoded(24 + number % 7, 32 + number % 5))
            assert response.status_code == 200
            if (number + 1) % (count // 3) == 0:
                sizes.append((server.memory_info().rss, worker.memory_info().rss))
        assert sizes[-1][0] - sizes[0][0] < 16 << 20
        assert sizes[-1][1] - sizes[0][1] < 32 << 20
        answers = []
        large = {"data": encoded(600, 800), "params": {"model": "photo_x4"}}
        thread = threading.Thread(target=lambda: answers.append(requests.post(url, **large)))
        thread.start()
        wait_until(lambda: app.state.queue._running, 30)
        os.kill(worker.pid, signal.SIGKILL)
        thread.join()
        assert answers[0].status_code == 503
        assert requests.post(url, data=encoded(8, 8)).status_code == 200
        (own,) = tmp_path.iterdir()
        wait_until(lambda: list(own.iterdir()) == [])
    assert not worker.is_running()
