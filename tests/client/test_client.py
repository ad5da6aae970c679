import concurrent.futures
import contextlib
import io
import re
import shutil
import socket
import subprocess
import threading
import time

import numpy as np
import psutil
import pytest
import tensorflow as tf
from PIL import Image
from support.samples import ROOT, assert_same_picture
from support.serving_server import serve
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2

from srgan_tf.client import rest
from srgan_tf.client.remote import RemoteUpscaler, connect
from srgan_tf.commands import cli
from srgan_tf.commands import client as script
from srgan_tf.errors import UserError, WorkError
from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.images.pictures import read_picture, write_picture
from srgan_tf.images.pixels import RECIPROCAL
from srgan_tf.inference.tiled import TiledUpscaler
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.rewrites.inference import optimize_for_inference
from srgan_tf.photos.jobs import plan, run

MAX_PIXELS = 80 * 80  # of a network that looks 10 pixels far: tiles of 60


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server of a small generator, and the upscaler that upscale.py makes of it."""
    tf.keras.utils.set_random_seed(0)
    generator = srresnet(num_blocks=1, num_filters=32)  # much smaller convolutions run in other kernels
    version = export_saved_model(generator, tmp_path_factory.mktemp("served"), max_pixels=MAX_PIXELS)
    with serve(version, "small") as server:
        yield server, network_upscaler(optimize_for_inference(generator), "small")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(params=["rest", "grpc"])
def connection(request, served):
    return connect(getattr(served[0], request.param), "small", timeout=60)


def in_tiles(connection):
    upscaler = RemoteUpscaler(connection, "small")
    return TiledUpscaler(upscaler, most_pixels=upscaler.max_pixels)


def encode(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def test_a_picture(connection, served, rng):
    lr = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    upscaler = RemoteUpscaler(connection, "small")
    assert (upscaler.name, upscaler.scale, upscaler.halo, upscaler.max_pixels) == ("small", 4, 10, MAX_PIXELS)
    np.testing.assert_array_equal(upscaler.upscale(lr), served[1].upscale(lr))
    for floats in (lr / np.float32(255), lr * RECIPROCAL):  # the latter are levels, and must not come back as levels
        sr = upscaler.upscale(floats)
        assert sr.dtype == np.float32
        np.testing.assert_array_equal(sr, served[1].upscale(floats))


@pytest.mark.parametrize("size", [(81, 80), (197, 95), (40, 203)])
def test_tiles_of_large_pictures_equal_the_whole(connection, served, rng, size):
    lr = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    sr = in_tiles(connection).upscale(lr)
    np.testing.assert_array_equal(sr, served[1].upscale(lr))


def test_every_signature(connection, served, rng):
    pictures = rng.integers(0, 256, (2, 7, 9, 3), dtype=np.uint8)
    expected = np.stack([served[1].upscale(picture) for picture in pictures])
    np.testing.assert_array_equal(connection.predict("tensor_uint8", lr=pictures), expected)
    sr = connection.predict("tensor", lr=pictures * np.float32(1 / 255))
    np.testing.assert_array_equal(np.rint(np.asarray(sr, np.float32) * 255), expected)
    answers = connection.predict("serving_default", image_bytes=[encode(picture) for picture in pictures])
    for answer, picture in zip(answers, expected, strict=True):
        np.testing.assert_array_equal(tf.io.decode_png(answer), picture)


def test_call_in_the_documentation(tmp_path, served, rng):
    if not shutil.which("curl"):
        pytest.skip("no curl")
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "SERVING.md").read_text(), re.DOTALL)
    (command,) = (block for block in blocks if "curl" in block)
    command = command.replace("http://localhost:8501", served[0].rest).replace("/srgan:", "/small:")
    assert served[0].rest in command
    picture = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    write_picture(tmp_path / "photo.png", picture)
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    np.testing.assert_array_equal(read_picture(tmp_path / "upscaled.png"), served[1].upscale(picture))


def test_refusals_are_passed_on(connection):
    with pytest.raises(WorkError, match=r"(?s)the server refuses the request: .*neither a PNG nor a JPEG"):
        connection.predict("serving_default", image_bytes=[b"no picture"])
    large = np.zeros((81, 80, 3), np.uint8)
    with pytest.raises(WorkError, match=r"(?s)81 x 80 pixels .* the limit is 6400: send it in tiles"):
        connection.predict("serving_default", image_bytes=[encode(large)])


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_another_model(served, protocol):
    with pytest.raises(WorkError, match="Servable not found"):
        RemoteUpscaler(connect(getattr(served[0], protocol), "other"), "other")


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_requests_to_a_busy_server_are_retried(served, protocol, rng):
    server, upscaler = served
    lr = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    many = [encode(lr)] * 64  # gRPC's default: larger requests than 256 KiB are not retried
    assert sum(map(len, many)) > 2**18
    server.failures_ahead = 2
    answers = connect(getattr(server, protocol), "small", attempts=3).predict("serving_default", image_bytes=many)
    assert len(answers) == 64
    np.testing.assert_array_equal(tf.io.decode_png(answers[-1]), upscaler.upscale(lr))
    server.failures_ahead = 1
    with pytest.raises(WorkError, match=r"no answer|try again"):
        connect(getattr(server, protocol), "small", attempts=1).predict("describe", key=[b"scale"])


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_answers_above_four_mebibytes(served, protocol, rng):
    pictures = [rng.integers(0, 256, (80, 80, 3), dtype=np.uint8)] * 64
    sent = [encode(picture) for picture in pictures]
    answers = connect(getattr(served[0], protocol), "small").predict("serving_default", image_bytes=sent)
    assert sum(map(len, answers)) > 4 * 2**20


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_an_unreachable_server_is_reported(scheme):
    with pytest.raises(WorkError, match=r"no answer of TensorFlow Serving at .*127\.0\.0\.1:1\b"):
        connect(f"{scheme}://127.0.0.1:1", "small", attempts=1, timeout=5).predict("describe", key=[b"scale"])


@pytest.mark.parametrize("server", ["localhost:8501", "ftp://host:1", "http://"])
def test_invalid_addresses_are_refused(server):
    with pytest.raises(UserError, match="no server"):
        connect(server, "small")


class Facts:
    """A connection whose answer to every request is `values`."""

    def __init__(self, *values):
        self.values = values

    def predict(self, signature, **inputs):
        return self.values


@pytest.mark.parametrize(("facts", "exact"), [((2, 18, 80**2), True), ((1, -1, 160**2), False), ((1, 94, 7**6), False)])
@pytest.mark.parametrize("size", [(180, 191), (37, 900)])
def test_requests_stay_below_the_servers_limit(monkeypatch, facts, exact, size):
    scale, _, limit = facts
    sent = []

    def upscale(self, lr):
        sent.append(lr.shape[0] * lr.shape[1])
        return lr.repeat(scale, 0).repeat(scale, 1)

    monkeypatch.setattr(RemoteUpscaler, "upscale", upscale)
    upscaler = in_tiles(Facts(*facts))
    assert upscaler.exact == exact
    lr = np.random.default_rng(0).random((*size, 3), np.float32)
    np.testing.assert_allclose(upscaler.upscale(lr), lr.repeat(scale, 0).repeat(scale, 1), atol=1e-5)
    assert max(sent) <= limit
    assert len(sent) > 1 or size[0] * size[1] <= limit


def test_limit_below_the_smallest_tile(rng):
    upscaler = in_tiles(Facts(4, 40, 1000))
    with pytest.raises(WorkError, match="limit is 1000 pixels per request, and a tile has 30x96: export"):
        upscaler.upscale(rng.integers(0, 256, (30, 112, 3), dtype=np.uint8))


@pytest.mark.slow
def test_blended_tiles_are_sent_as_floats(monkeypatch, tmp_path, rng):
    """A network that looks at the whole picture: its files are those of upscale.py with the same tiles."""
    options = {"normalization": "none", "output_activation": "linear", "bilinear_skip": True, "attention": "channel"}
    generator = srresnet(num_blocks=1, num_filters=8, head_kernel_size=3, tail_kernel_size=3, init_gain=0.3, **options)
    version = export_saved_model(generator, tmp_path / "model", max_pixels=176**2, warm_up_sizes=[])
    Image.fromarray(rng.integers(0, 256, (100, 330, 3), np.uint8)).save(tmp_path / "large.png")
    Image.fromarray(rng.integers(0, 256, (20, 330, 3), np.uint8)).save(tmp_path / "fits.png")
    local = network_upscaler(optimize_for_inference(generator), "small")
    for name, tile in (("large", 176 - 2 * 64 - 15), ("fits", 0)):
        run(local, plan([tmp_path / f"{name}.png"], tmp_path / "expected"), print, tile=tile)
    with serve(version, "small") as server:
        connection = connect(server.grpc, "small")
        predict, signatures = connection.predict, []
        monkeypatch.setattr(
            connection,
            "predict",
            lambda signature, **inputs: signatures.append(signature) or predict(signature, **inputs),
        )
        upscaler = RemoteUpscaler(connection, "small")
        for name, signature in (("large", "tensor"), ("fits", "serving_default")):
            jobs = plan([tmp_path / f"{name}.png"], tmp_path / "actual")
            run(upscaler, jobs, print, server_limit=upscaler.max_pixels)
            assert signatures[-1] == signature
            assert_same_picture(*(read_picture(tmp_path / kind / f"{name}.png") for kind in ("actual", "expected")))


@pytest.mark.slow
def test_three_hundred_mixed_requests_from_eight_threads(served, rng):
    server, upscaler = served
    pictures = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((17, 23, 3), (8, 40, 3), (33, 31, 3))]
    expected = [upscaler.upscale(picture) for picture in pictures]
    good = [encode(picture) for picture in pictures]
    bad = [b"", b"no picture", good[0][:-30], encode(np.zeros((4000, 5000, 3), np.uint8))]
    connections = [connect(address, "small", timeout=120) for address in (server.rest, server.grpc)]

    def ask(number):
        connection = connections[number % 2]
        kind = number // 2 % 5
        if kind == 4:
            with pytest.raises(WorkError, match="the server refuses the request"):
                connection.predict("serving_default", image_bytes=[good[0], bad[number // 10 % len(bad)]])
        elif kind == 3:
            sr = connection.predict("tensor_uint8", lr=pictures[number % 3][np.newaxis])
            np.testing.assert_array_equal(sr[0], expected[number % 3])
        else:
            for answer, sr in zip(connection.predict("serving_default", image_bytes=good), expected, strict=True):
                np.testing.assert_array_equal(tf.io.decode_png(answer), sr)

    def memory():
        return psutil.Process().memory_info().rss / 2**20

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        growth = []
        for first in (0, 100, 200):
            before = memory()
            list(threads.map(ask, range(first, first + 100)))
            growth.append(memory() - before)
    assert min(growth[1:]) < 30  # MiB; a leak grows in every round, the allocator's pools in some


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_the_command(monkeypatch, capfd, tmp_path, served, rng, protocol):
    """Its files are those of upscale.py: 8 bits, 16 bits and gray, large and small."""
    server, upscaler = served
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    Image.fromarray(rng.integers(0, 256, (70, 161, 3), np.uint8)).save(folder / "a.png")
    Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8)).save(folder / "deep" / "b.webp", lossless=True)
    Image.fromarray(rng.integers(0, 256, (30, 20), np.uint8)).save(folder / "gray.png")
    Image.fromarray(rng.integers(0, 65536, (25, 20), np.uint16)).save(folder / "deep.png")
    run(upscaler, plan([folder], tmp_path / "expected"), lambda line: None, tile=60)
    output = tmp_path / "out"
    arguments = [folder, "--server", getattr(server, protocol), "--model", "small", "--output", output]
    monkeypatch.setattr("sys.argv", ["client", *map(str, arguments)])
    assert cli.execute(script.main) == 0, capfd.readouterr().err
    results = sorted((tmp_path / "expected").rglob("*.png"))
    assert len(results) == 4
    for path in results:
        with Image.open(path) as expected, Image.open(output / path.relative_to(tmp_path / "expected")) as actual:
            assert actual.mode == expected.mode
            np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected), err_msg=path.name)
    one = [folder / "a.png", *arguments[1:-1], tmp_path / "new" / "one.jpg"]
    monkeypatch.setattr("sys.argv", ["client", *map(str, one)])
    assert cli.execute(script.main) == 0, capfd.readouterr().err
    with Image.open(tmp_path / "new" / "one.jpg") as image:
        assert image.format == "JPEG"
    monkeypatch.setattr("sys.argv", ["client", *map(str, arguments)])
    (folder / "broken.png").write_bytes(b"")
    assert cli.execute(script.main) == 1
    assert "1 of 5 pictures failed" in capfd.readouterr().err


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (4, 10),
        (4, 10, 100, 1),
        (0, 10, 100),
        (4.5, 10, 100),
        (4, -2, 100),
        (4, 1, 0),
        ("x", 1, 1),
        (float("nan"), 1, 1),
        (float("inf"), 1, 1),
        ([1, 2], 1, 1),
        (None, 1, 1),
        5,
    ],
)
def test_odd_descriptions_are_refused(facts):
    connection = Facts()
    connection.values = facts
    with pytest.raises(WorkError, match="description of the model is invalid"):
        RemoteUpscaler(connection, "small")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.zeros((1, 1, 1, 3)), r"has the shape \(1, 1, 1, 3\), expected \(1, 10, 14, 3\)"),
        (np.full((1, 10, 14, 3), np.nan), "not finite"),
        ([[1, 2], [3]], "not an array"),
        (["text"], "not an array"),
    ],
)
def test_odd_float_answers_are_refused(answer, message):
    connection = Facts(2, 1, 10_000)
    upscaler = RemoteUpscaler(connection, "small")
    connection.values = answer
    with pytest.raises(WorkError, match=message):
        upscaler.upscale(np.zeros((5, 7, 3), np.float32))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([], "not one encoded image"),
        ([5], "not one encoded image"),
        ([b"text"], "cannot read the image"),
        ([encode(np.zeros((5, 7, 3), np.uint8))], r"RGB \(7, 5\), expected RGB \(14, 10\)"),
        ([encode(np.zeros((10, 14), np.uint8))], "answer is L"),
    ],
)
def test_odd_image_answers_are_refused(answer, message):
    connection = Facts(2, 1, 10_000)
    upscaler = RemoteUpscaler(connection, "small")
    connection.values = answer
    with pytest.raises(WorkError, match=message):
        upscaler.upscale(np.zeros((5, 7, 3), np.uint8))


def test_passwords_are_refused_and_never_repeated():
    for server in ("http://user:secret@host:1", "grpc://user:secret@host:1"):
        with pytest.raises(UserError, match="password") as raised:
            connect(server, "small")
        assert "secret" not in str(raised.value)
    for server in ("http://[::1", "http://host:port"):
        with pytest.raises(UserError, match="invalid"):
            connect(server, "small")


@contextlib.contextmanager
def dripping_server(start=b""):
    """Yields the port of a server that sends `start` and then one byte every 50 ms, without an end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip(connection):
            with connection, contextlib.suppress(OSError):
                connection.sendall(start)
                while not stop.wait(0.05):
                    connection.sendall(b" ")

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=drip, args=[listener.accept()[0]], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()


@pytest.mark.parametrize(
    "start", [b"", b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{"]
)
@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_timeout_holds_for_the_whole_answer(scheme, start):
    with dripping_server(start) as port:
        connection = connect(f"{scheme}://127.0.0.1:{port}", "small", timeout=1, attempts=1)
        begin = time.monotonic()
        with pytest.raises(WorkError, match="no answer of TensorFlow Serving"):
            connection.predict("describe", key=[b"scale"])
        assert time.monotonic() - begin < 5


class Stub:
    """The gRPC service with a given answer, or none within the timeout."""

    def __init__(self, outputs):
        self._outputs = outputs

    def Predict(self, request, timeout):  # noqa: N802 - the service's name
        response = predict_pb2.PredictResponse()
        for name, tensor in self._outputs.items():
            response.outputs[name].CopyFrom(tensor)
        return response


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {"a": tf.make_tensor_proto(1), "b": tf.make_tensor_proto(2)},
        {"a": tensor_pb2.TensorProto(dtype=999)},
        {"a": tensor_pb2.TensorProto(dtype=1, tensor_content=b"123")},
        {"a": tf.make_tensor_proto(b"one string")},
    ],
)
def test_odd_grpc_answers_are_one_line(monkeypatch, outputs):
    connection = connect("grpc://127.0.0.1:1", "small")
    monkeypatch.setattr(connection, "_stub", Stub(outputs))
    with pytest.raises(WorkError, match="answer is not a tensor") as raised:
        connection.predict("describe", key=[b"scale"])
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
        (200, b"[]"),
        (200, b"{}"),
        (200, b"null"),
        (200, b'{"predictions": []}'),
        (200, b'{"predictions": null}'),
        (200, b'{"predictions": 5}'),
        (200, b'{"predictions": [{"b64": 5}]}'),
        (200, b'{"predictions": [{"b64": "="}]}'),
        (200, b'{"predictions": [{"other": 5}]}'),
        (200, b'{"predictions": [[1], [2, 3]]}'),
        (200, b'{"predictions": [null, {}, "x"]}'),
        (200, b'{"predictions": [NaN, 1, 2]}'),
        (200, b'{"predictions": [1e999, 1, 2]}'),
        (200, b'{"predictions": [%s, 1, 2]}' % (b"9" * 400)),
        (200, b'{"predictions": ["\\u001b[31m", 1, 2]}'),
        (400, b'{"error": "two\\nlines \\u001b[31m"}'),
        (400, b'{"error": null}'),
        (500, b"{}"),
        (500, b"not json"),
    ],
)
def test_odd_rest_answers_are_one_line(monkeypatch, status, content):
    connection = connect("http://127.0.0.1:1", "small")
    monkeypatch.setattr(connection, "_receive", lambda body, deadline: (status, content))
    with pytest.raises(WorkError) as raised:
        RemoteUpscaler(connection, "small")
    assert str(raised.value).isprintable()


def test_endless_rest_answers_are_cut_off(monkeypatch):
    monkeypatch.setattr(rest, "_LARGEST_ANSWER", 10)
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + b"1" * 99_999
    with dripping_server(start) as port, pytest.raises(WorkError, match="more than 10 bytes"):
        connect(f"http://127.0.0.1:{port}", "small", timeout=20, attempts=1).predict("describe", key=[b"scale"])
