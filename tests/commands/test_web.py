"""srgan-tf web: flags, addresses, the end."""

import pathlib
import signal
import socket
import subprocess
import sys

import pytest
import requests

pytest.importorskip("uvicorn")
from srgan_tf.commands import web

ROOT = pathlib.Path(__file__).parents[2]


def test_a_missing_extra(run_script, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, _, err = run_script("web", "--no-browser")
    assert code == 2
    assert "srgan-tf web needs pip install '.[web]'" in err


def test_a_port_that_is_taken(run_script):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, err = run_script("web", "--no-browser", "--port", port)
    assert code == 2
    assert f"cannot listen on 127.0.0.1:{port}: " in err
    assert "give another --host or --port" in err


@pytest.mark.parametrize("flags", [("--port", "65536"), ("--port", "-1"), ("--max-upload", "0"), ("--keep", "x")])
def test_wrong_flags(run_script, flags):
    assert run_script("web", *flags)[0] == 2


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("box.example", False),
    ],
)
def test_loopback(host, is_loopback):
    assert web._is_loopback(host) == is_loopback


def start(*flags):
    command = [sys.executable, "-m", "srgan_tf", "web", "--no-browser", "--port", "0", *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_the_server_ends_by_an_interrupt(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process = start()
    url = process.stdout.readline().split()[2]
    assert url.startswith("http://127.0.0.1:")
    assert requests.get(url).status_code == 200
    assert requests.get(url, headers={"Host": "attacker.example"}).status_code == 421
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "stopped\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_other_computers_need_the_token():
    process = start("--host", "0.0.0.0")
    try:
        address = process.stdout.readline().split()[2]
        assert "warning: other computers can reach this server" in process.stdout.readline()
        url, _, token = address.partition("?token=")
        assert requests.get(url).status_code == 401
        assert requests.get(address).status_code == 200
        assert requests.get(f"{url}models", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=20)
