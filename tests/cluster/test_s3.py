"""Pictures and results in S3, served on loopback by moto."""

import io
import uuid

import pytest
from PIL import Image
from support.samples import ROOT

pytest.importorskip("s3fs", minversion="2024.1")
moto_server = pytest.importorskip("moto.server")

from srgan_tf.cluster.places import open_folder  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(monkeypatch):
    """Address of an empty bucket; programs that are started find the server through the environment."""
    import boto3
    import s3fs

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "PYTHONPATH": str(ROOT)}
    for name, value in {**settings, **keys}.items():
        monkeypatch.setenv(name, value)
    name = f"pictures-{uuid.uuid4().hex}"  # moto keeps the buckets of earlier servers
    boto3.client("s3").create_bucket(Bucket=name)
    s3fs.S3FileSystem.clear_instance_cache()
    yield f"s3://{name}"
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def test_folders(bucket):
    folder = open_folder(f"{bucket}/in")
    assert folder.names(".") == set()
    picture = io.BytesIO()
    Image.new("RGB", (7, 5)).save(picture, "PNG")
    for name in ("b.png", "sub/c.png", ".hidden.png", "notes.txt"):
        with folder.writing(name) as file:
            file.write_bytes(picture.getvalue())
    size = len(picture.getvalue())
    assert [(place, dict(names)) for place, names in folder.walk({".png"})] == [
        (".", {"b.png": size}),
        ("sub", {"c.png": size}),
    ]
    assert folder.names("sub") == {"c.png"}
    with folder.reading("sub/c.png") as copy:
        assert copy.read_bytes() == picture.getvalue()
    assert folder.read_text("record") is None
    folder.write_text("record", "text")
    assert folder.read_text("record") == "text"
    folder.remove("record")
    assert not folder.has("record")


def test_upscaling(bucket, run_script, picture_folder, tmp_path):
    folder = open_folder(f"{bucket}/in")
    for path in picture_folder.iterdir():
        with folder.writing(f"sub/{path.name}") as file:
            file.write_bytes(path.read_bytes())
    arguments = ("--model", "bicubic")
    assert run_script("upscale", picture_folder, "--output", tmp_path, *arguments)[0] == 0
    command = ("upscale", f"{bucket}/in", "--output", f"{bucket}/out", "--cluster", "local", *arguments)
    code, output, error = run_script(*command)
    assert code == 0, error
    assert output.endswith(f"done: {bucket}/out, upscaled: 12\n")
    results = open_folder(f"{bucket}/out")
    for path in picture_folder.iterdir():
        with results.reading(f"sub/{path.name}") as result:
            assert result.read_bytes() == (tmp_path / path.name).read_bytes()
    results.remove("sub/00.png")
    code, output, _ = run_script(*command)
    assert output.endswith("upscaled: 1, kept: 11\n")
