"""The web server with the stub worker, in this process: for Starlette's client, or on a port."""

import contextlib
import pathlib
import socket
import sys
import threading
import time

import uvicorn

from srgan_tf.web import options
from srgan_tf.web.app import create_app

STUB = (sys.executable, str(pathlib.Path(__file__).parent / "stub_worker.py"))


def stub_app(folder, **settings):
    """The application with the stub worker; settings as those of `create_app`."""
    return create_app(options.models(), folder=folder, **{"command": STUB, "names": ["localhost"], **settings})


@contextlib.contextmanager
def serve(app):
    """Serves an application on a free port; yields the port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
