import concurrent.futures
import io
import re
import shutil
import subprocess

import numpy as np
import psutil
import pytest
import tensorflow as tf
from conftest import ROOT
from PIL import Image
from serving_server import serve

from srgan_tf import cli, upscaling
from srgan_tf.client import __main__ as script
from srgan_tf.client.remote import RemoteUpscaler, connect, remote_upscaler
from srgan_tf.data.pictures import read_picture, write_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference import network_upscaler
from srgan_tf.models.generators import srresnet
from srgan_tf.models.inference_form import fast_generator
from srgan_tf.serving.saved_model import export_saved_model

MAX_PIXELS = 80 * 80  # of a network that looks 10 pixels far: tiles of 60


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server of a small generator, and the upscaler that upscale.py makes of it."""
    tf.keras.utils.set_random_seed(0)
    generator = srresnet(num_blocks=1, num_filters=32)  # much smaller convolutions run in other kernels
    version = export_saved_model(generator, tmp_path_factory.mktemp("served"), max_pixels=MAX_PIXELS)
    with serve(version, "small") as server:
        yield server, network_upscaler(fast_generator(generator), "small")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(params=["rest", "grpc"])
def connection(request, served):
    return connect(getattr(served[0], request.param), "small", timeout=60)


def encode(picture):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


def test_a_picture(connection, served, rng):
    lr = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    upscaler = RemoteUpscaler(connection, "small")
    assert (upscaler.name, upscaler.scale, upscaler.halo, upscaler.tile) == ("small", 4, 10, 60)
    np.testing.assert_array_equal(upscaler.upscale(lr), served[1].upscale(lr))
    sr = upscaler.upscale(lr / np.float32(255))
    assert sr.dtype == np.float32
    np.testing.assert_array_equal(sr, served[1].upscale(lr / np.float32(255)))


@pytest.mark.parametrize("size", [(81, 80), (197, 95), (40, 203)])
def test_large_pictures_go_in_tiles_that_join_to_the_whole(connection, served, rng, size):
    lr = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    sr = remote_upscaler(connection, "small").upscale(lr)
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


def test_the_call_that_the_documentation_shows(tmp_path, served, rng):
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


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_a_busy_server_is_asked_again(served, protocol, rng):
    server, upscaler = served
    lr = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    many = [encode(lr)] * 80  # gRPC repeats requests of up to 256 KiB only, unless told otherwise
    assert sum(map(len, many)) > 2**18
    server.failures_ahead = 2
    answers = connect(getattr(server, protocol), "small", attempts=3).predict("serving_default", image_bytes=many)
    assert len(answers) == 80
    np.testing.assert_array_equal(tf.io.decode_png(answers[-1]), upscaler.upscale(lr))
    server.failures_ahead = 1
    with pytest.raises(WorkError, match=r"no answer|try again"):
        connect(getattr(server, protocol), "small", attempts=1).predict("describe", key=[b"scale"])


@pytest.mark.parametrize("protocol", ["rest", "grpc"])
def test_answers_above_four_mebibytes(served, protocol, rng):
    pictures = [rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)] * 160
    sent = [encode(picture) for picture in pictures]
    answers = connect(getattr(served[0], protocol), "small").predict("serving_default", image_bytes=sent)
    assert sum(map(len, answers)) > 4 * 2**20


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_nobody_there(scheme):
    with pytest.raises(WorkError, match=r"no answer of TensorFlow Serving at .*127\.0\.0\.1:1\b"):
        connect(f"{scheme}://127.0.0.1:1", "small", attempts=1, timeout=5).predict("describe", key=[b"scale"])


@pytest.mark.parametrize("server", ["localhost:8501", "ftp://host:1", "http://"])
def test_no_address(server):
    with pytest.raises(UserError, match="no server"):
        connect(server, "small")


class Facts:
    """A connection to a model of which nothing but its description is known."""

    def __init__(self, *values):
        self.values = values

    def predict(self, signature, **inputs):
        return self.values


@pytest.mark.parametrize(
    ("facts", "halo", "tile"), [((4, 10, 400), 10, 0), ((4, -1, 10**6), None, 0), ((2, 3, 99), 3, 3)]
)
def test_tiles_by_what_the_model_says(facts, halo, tile):
    upscaler = RemoteUpscaler(Facts(*facts), "small")
    assert (upscaler.scale, upscaler.halo, upscaler.tile) == (facts[0], halo, tile)


def test_two_hundred_mixed_requests_from_eight_threads(served, rng):
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
        list(threads.map(ask, range(100)))
        before = memory()
        list(threads.map(ask, range(100, 300)))
    assert memory() - before < 30  # MiB


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
    upscaling.run(upscaler.whole, upscaling.plan([folder], tmp_path / "expected"), lambda line: None, tile=60)
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
    (folder / "broken.png").write_bytes(b"")
    assert cli.execute(script.main) == 1
    assert "1 of 5 pictures failed" in capfd.readouterr().err
