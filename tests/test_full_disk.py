"""A file system that takes no more bytes: one line, exit code 1, nothing half-written, and a later run succeeds."""

import os
import shutil
import subprocess

import pytest
from support.limits import files_of_at_most


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 100 kB, less than any result takes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)]
    if os.geteuid() or mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no permission to mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def commands(tmp_path, picture_folder, small_generator):
    small_generator.save(tmp_path / "small.keras")
    return {
        "upscale": [picture_folder, "--model", "bicubic"],
        "evaluate": ["--model", "bicubic", "--data", picture_folder, "--report-pictures", 0],
        "export": ["--model", tmp_path / "small.keras"],
    }


def files_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("command", ["upscale", "evaluate", pytest.param("export", marks=pytest.mark.slow)])
@pytest.mark.parametrize("limit", [100, *(pytest.param(limit, marks=pytest.mark.slow) for limit in (0, 4000))])  # bytes
def test_file_size_limit(monkeypatch, capfd, tmp_path, picture_folder, small_generator, command, limit):
    """The output of the command is not captured in files here, which the limit would hold for too."""
    from srgan_tf.commands import cli, evaluate, export, upscale

    main = {"upscale": upscale, "evaluate": evaluate, "export": export}[command].main
    arguments = commands(tmp_path, picture_folder, small_generator)[command]
    output = tmp_path / "out"
    monkeypatch.setattr("sys.argv", [f"{command}.py", *map(str, arguments), "--output", str(output)])
    lines = []
    monkeypatch.setattr("builtins.print", lambda *text, **_: lines.append(" ".join(map(str, text))))
    monkeypatch.setattr("tqdm.tqdm.write", lambda *line, **_: lines.append(line[-1]))
    with files_of_at_most(limit):
        code = cli.execute(main)
    assert code == 1, lines
    assert lines[-1].startswith(f"{command}.py: failed: ")
    assert all("\n" not in line for line in lines if "failed" in line)
    assert files_in(output) == []
    assert cli.execute(main) == 0
    assert not list(output.rglob(".unfinished-*"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["upscale", "evaluate", "export"])
def test_full_disk(run_script, tmp_path, picture_folder, small_generator, small_disk, command):
    arguments = commands(tmp_path, picture_folder, small_generator)[command]
    code, _, error = run_script(command, *arguments, "--output", small_disk / "out")
    assert code == 1
    assert len(error.splitlines()) == 1
    assert not list(small_disk.rglob(".unfinished-*"))
    assert run_script(command, *arguments, "--output", tmp_path / "out")[0] == 0
    for path in files_in(small_disk / "out"):  # what was finished before the disk was full
        assert path.read_bytes() == (tmp_path / "out" / path.relative_to(small_disk / "out")).read_bytes()
