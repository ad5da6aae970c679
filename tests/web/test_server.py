"""The server on a port, with a stub worker: clients that leave, many at once, a worker that is killed."""

import concurrent.futures
import os
import signal
import socket

import pytest
import requests
from support.waiting import wait_until
from support.web_server import serve, stub_app

pytest.importorskip("uvicorn")
from srgan_tf.web.limits import Limits


@pytest.fixture
def app(tmp_path):
    return stub_app(tmp_path, limits=Limits(waiting=4, silence=0.5))


@pytest.fixture
def port(app):
    with serve(app) as port:
        yield port


def files(tmp_path):
    (own,) = tmp_path.iterdir()
    return list(own.iterdir())


def send_and_leave(port, accept):
    """Sends a picture that takes until it is cancelled; returns the open connection."""
    connection = socket.create_connection(("127.0.0.1", port))
    head = f"POST /upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nAccept: {accept}\r\n\r\n"
    connection.sendall(head.encode() + b"sleep")
    return connection


@pytest.mark.parametrize("accept", ["image/*", "application/x-ndjson"])
def test_a_client_that_leaves_ends_its_job(app, port, tmp_path, accept):
    queue = app.state.queue
    first, second = send_and_leave(port, accept), send_and_leave(port, accept)
    wait_until(lambda: queue._running and len(queue._waiting) == 1)
    worker = app.state.worker.pid
    second.close()  # while it waits
    wait_until(lambda: not queue._waiting and len(files(tmp_path)) == 1)
    first.close()  # while it is worked on
    wait_until(lambda: queue._running is None and files(tmp_path) == [])
    assert app.state.worker.pid == worker
    assert requests.post(f"http://localhost:{port}/upscale", data=b"no image").status_code == 422


def test_a_worker_that_does_not_stop_is_killed(tmp_path):
    app = stub_app(tmp_path, limits=Limits(stopping=0.1))
    with serve(app) as port:
        connection = send_and_leave(port, "image/*")
        wait_until(lambda: app.state.queue._running)
        os.kill(app.state.worker.pid, signal.SIGSTOP)
        connection.close()
        wait_until(lambda: app.state.queue._running is None)
        assert requests.post(f"http://localhost:{port}/upscale", data=b"no image").status_code == 422


def test_a_killed_worker_fails_its_job_only(app, port):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        sleeping = pool.submit(requests.post, f"http://localhost:{port}/upscale", data=b"sleep")
        wait_until(lambda: app.state.queue._running)
        following = pool.submit(requests.post, f"http://localhost:{port}/upscale", data=b"no image")
        wait_until(lambda: app.state.queue._waiting)
        os.kill(app.state.worker.pid, signal.SIGKILL)
        assert sleeping.result().status_code == 503
        assert "it was ended by SIGKILL, perhaps for lack of memory" in sleeping.result().json()["error"]
        assert following.result().status_code == 422


def test_fifty_uploads_at_once(app, port):
    blocking = send_and_leave(port, "image/*")
    wait_until(lambda: app.state.queue._left)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = [pool.submit(requests.post, f"http://localhost:{port}/upscale", data=b"no image") for _ in range(50)]
        wait_until(lambda: sum(answer.done() for answer in answers) == 46)
        refused = [answer.result() for answer in answers if answer.done()]
        blocking.close()
        codes = [answer.result().status_code for answer in answers]
    assert sorted(codes) == [422] * 4 + [429] * 46
    assert {answer.headers["Retry-After"] for answer in refused} == {"7"}
    assert {answer.json()["error"] for answer in refused} == {"too many pictures are waiting"}


def test_an_upload_that_stops(app, port, tmp_path):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"POST /upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
    answer = connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert files(tmp_path) == []
    connection.close()


def test_a_client_that_leaves_in_the_middle_of_its_upload(app, port, tmp_path):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(b"POST /upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf")
    wait_until(lambda: files(tmp_path))
    connection.close()
    wait_until(lambda: files(tmp_path) == [])


def test_a_large_refused_body_is_answered(tmp_path):
    with serve(stub_app(tmp_path, limits=Limits(body=1 << 20))) as port:
        response = requests.post(f"http://localhost:{port}/upscale", data=bytes(8 << 20))
        assert response.status_code == 413


def test_the_worker_ends_with_the_server(tmp_path):
    app = stub_app(tmp_path)
    with serve(app) as port:
        requests.post(f"http://localhost:{port}/upscale", data=b"no image")
        worker = app.state.worker.pid
        os.kill(worker, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
