"""An exported model in the C++ loader that TensorFlow Serving is made of."""

import hashlib
import os
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from support.samples import ROOT

from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.networks.rewrites.inference import optimize_for_inference

TENSORFLOW = pathlib.Path(tf.sysconfig.get_lib())
SOURCE = ROOT / "tests" / "support" / "run_saved_model.cc"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def program(request, tmp_path_factory):
    """The path of run_saved_model.cc, compiled; pytest's cache keeps it for this TensorFlow and this source."""
    if not shutil.which("g++"):
        pytest.skip("no g++")
    if not (TENSORFLOW / "libtensorflow_cc.so.2").is_file():
        pytest.skip("this TensorFlow comes without its C++ library")
    command = [
        *("g++", "-w", "-std=c++17", "-D_GLIBCXX_USE_CXX11_ABI=1", "-DEIGEN_MAX_ALIGN_BYTES=64"),
        *(f"-I{TENSORFLOW}/include", str(SOURCE)),
        *(f"-L{TENSORFLOW}", "-Wl,--no-as-needed", "-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"),
        f"-Wl,-rpath,{TENSORFLOW}",
    ]
    key = hashlib.sha256(repr((tf.__version__, command)).encode() + SOURCE.read_bytes()).hexdigest()[:16]
    kept = request.config.cache.mkdir("run_saved_model") / key
    if not kept.is_file():
        compiled = tmp_path_factory.mktemp("cpp") / key
        subprocess.run([*command, "-o", str(compiled)], check=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        shutil.copy(compiled, partial)
        partial.replace(kept)  # a test that was killed leaves no half of a program under this name
    return kept


def test_every_signature_equals_upscaling(tmp_path, program, small_generator, rng):
    version = export_saved_model(small_generator, tmp_path / "model", max_pixels=5000)
    upscaler = network_upscaler(optimize_for_inference(small_generator), "small")
    pictures = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((17, 23), (8, 40), (64, 48))]
    lines = []
    for index, picture in enumerate(pictures):
        prefix = tmp_path / str(index)
        prefix.with_suffix(".raw").write_bytes(picture.tobytes())
        prefix.with_suffix(".png").write_bytes(tf.io.encode_png(picture).numpy())
        lines.append(f"{picture.shape[0]} {picture.shape[1]} {prefix}")
    (tmp_path / "corrupt.png").write_bytes(b"no picture")
    (tmp_path / "large.png").write_bytes(tf.io.encode_png(np.zeros((100, 51, 3), np.uint8)).numpy())
    # What is refused comes between what is not.
    cases = [lines[0], f"0 0 {tmp_path / 'corrupt'}", f"0 0 {tmp_path / 'large'}", *lines[1:]]
    done = subprocess.run([program, version], input="\n".join(cases), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    corrupt, large = (line for line in done.stdout.splitlines() if line.startswith("INVALID_ARGUMENT"))
    assert "neither a PNG nor a JPEG nor a WebP image" in corrupt
    assert "100 x 51 pixels (height x width) and the limit is 5000" in large
    for index, picture in enumerate(pictures):
        expected = upscaler.upscale(picture)
        prefix = tmp_path / str(index)
        pixels = np.frombuffer(prefix.with_suffix(".tensor_uint8").read_bytes(), np.uint8)
        np.testing.assert_array_equal(pixels.reshape(expected.shape), expected)
        sr = np.frombuffer(prefix.with_suffix(".tensor").read_bytes(), np.float32)
        np.testing.assert_array_equal(np.rint(sr * 255).reshape(expected.shape), expected)
        np.testing.assert_array_equal(tf.io.decode_png(prefix.with_suffix(".serving_default").read_bytes()), expected)
