import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support.samples import ROOT

PEAK = """
import resource, sys
from srgan_tf.__main__ import main
sys.argv = ["srgan-tf", *sys.argv[1:]]
try:
    code = main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "mode"),
    [*(pytest.param("bicubic", mode, marks=pytest.mark.soak) for mode in ("RGB", "RGBA")), ("compact_x4", "RGB")],
)
def test_memory_of_a_wide_picture(tmp_path, model, mode):
    """Two stripes of 384 MiB. Before stripes and PNG rows were bounded: 4.8 GiB for 60000x100 with compact_x4."""
    width, height = 60_000, 40
    row = np.random.default_rng(0).integers(0, 256, (1, width, len(mode)), dtype=np.uint8)
    Image.fromarray(np.repeat(row, height, axis=0)).save(tmp_path / "wide.png", compress_level=1)
    command = [sys.executable, "-c", PEAK, "upscale", str(tmp_path / "wide.png"), "--model", model]
    run = subprocess.run(
        [*command, "--output", str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with Image.open(tmp_path / "out" / "wide.png") as image:
        assert image.size == (4 * width, 4 * height)
    peak = int(run.stdout.rpartition("peak ")[2])
    assert peak < 2800, f"{peak} MiB"


@pytest.mark.slow
@pytest.mark.parametrize("equal", [pytest.param(False, marks=pytest.mark.soak), True])
def test_two_processes_with_the_same_number_share_an_output(tmp_path, run_script, equal):
    """As in two containers: both have process number 1. Files named by it overwrote each other while unfinished."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-p", "-f", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no permission to make process namespaces")
    rng = np.random.default_rng(0)
    for folder, height in (("a", 60), ("b", 60 if equal else 52)):
        (tmp_path / folder).mkdir()
        for number in range(12):
            name = f"{number}.png" if equal else f"{folder}{number}.png"
            picture = rng.integers(0, 256, (height, 80, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / folder / name)
    if equal:
        shutil.copytree(tmp_path / "a", tmp_path / "b", dirs_exist_ok=True)
    start = [unshare, "-p", "-f", sys.executable, "-m", "srgan_tf", "upscale"]
    runs = [
        subprocess.Popen(
            [*start, str(tmp_path / folder), "--model", "bicubic", "--output", str(tmp_path / "race")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in ("a", "b")
    ]
    for run in runs:
        output, _ = run.communicate(timeout=300)
        assert run.returncode == 0, output
    for folder in ("a", "b"):
        arguments = ("upscale", tmp_path / folder, "--model", "bicubic", "--output", tmp_path / "expected")
        assert run_script(*arguments)[0] == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "race").iterdir()}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "expected").iterdir()}
