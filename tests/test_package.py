"""The Python API, and what the wheel contains."""

import pathlib
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import srgan_tf
from srgan_tf.weights import shipped

ROOT = pathlib.Path(__file__).parent.parent


def test_models_are_those_that_come_with_the_package():
    assert srgan_tf.models() == shipped.names()
    assert "compact_x4" in srgan_tf.models()


def test_load_upscales_arrays(rng):
    upscaler = srgan_tf.load("compact_x4", precision="float32")  # bfloat16 rounds the two inputs differently
    assert (upscaler.name, upscaler.scale) == ("compact_x4", 4)
    lr = rng.integers(0, 256, (9, 7, 3), np.uint8)
    sr = upscaler.upscale(lr)
    assert (sr.shape, sr.dtype) == ((36, 28, 3), np.uint8)
    floats = upscaler.upscale(lr / 255)
    assert floats.dtype == np.float32
    assert np.abs(floats * 255 - sr).max() < 0.51


def test_load_takes_a_scale_for_bicubic():
    assert srgan_tf.load("bicubic", scale=2).upscale(np.zeros((3, 5, 3))).shape == (6, 10, 3)


def test_load_does_not_import_before_it_is_called():
    code = "import sys, srgan_tf; srgan_tf.models(); print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.slow
def test_the_wheel_has_weights_templates_and_the_command(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    # A copy: building leaves a folder in the source tree.
    source = tmp_path / "source"
    source.mkdir()
    shutil.copytree(ROOT / "srgan_tf", source / "srgan_tf", ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE", *(path.name for path in ROOT.glob("requirements*.txt"))):
        shutil.copy(ROOT / file, source)
    command = ["pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True, text=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"srgan_tf-{srgan_tf.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        info = f"srgan_tf-{srgan_tf.__version__}.dist-info"
        entry_points = archive.read(f"{info}/entry_points.txt").decode()
        metadata = archive.read(f"{info}/METADATA").decode()
    for model in shipped.names():
        assert {f"srgan_tf/weights/{model}.keras", f"srgan_tf/weights/{model}.json"} <= set(names)
    for folder in ("srgan_tf/evaluation/page", "srgan_tf/web"):
        for file in (ROOT / folder).iterdir():
            if file.suffix in (".html", ".css", ".js", ".svg"):
                assert f"{folder}/{file.name}" in names
    assert "srgan-tf = srgan_tf.__main__:main" in entry_points
    assert {name.split("/")[0] for name in names} == {"srgan_tf", info}
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert [line.split(": ")[1] for line in metadata.splitlines() if line.startswith("Provides-Extra")] == [
        *("gpu", "export", "formats", "video", "web", "cluster", "dev")
    ]
