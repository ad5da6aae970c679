import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from srgan_tf import files, replacing
from srgan_tf.errors import UserError

# Starts an unfinished file and an unfinished folder in sys.argv[1] and waits.
WRITER = """
import pathlib, sys
from srgan_tf import files
folder = pathlib.Path(sys.argv[1])
with files.atomic_write(folder / "a.png") as file, files.unfinished_folder(folder) as unfinished:
    file.write_bytes(b"half")
    (unfinished / "half.png").write_bytes(b"half")
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def writer(folder):
    command = [sys.executable, "-c", WRITER, str(folder)]
    root = pathlib.Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        try:
            yield process
        finally:
            process.kill()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_atomic_write(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with files.atomic_write(tmp_path / "a.txt") as unfinished:
        assert unfinished.suffix == ".txt"
        assert unfinished.parent == tmp_path
        unfinished.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"
    with pytest.raises(FileNotFoundError), files.atomic_write(tmp_path / "a.txt") as unfinished:
        unfinished.with_name("missing").read_text()
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_two_unfinished_files_never_share_a_name(tmp_path):
    with files.atomic_write(tmp_path / "a.txt") as first, files.atomic_write(tmp_path / "a.txt") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert (tmp_path / "a.txt").read_text() == "1"  # the outer block ends last


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_file_that_another_process_takes_before_it_is_locked_is_made_again(tmp_path, monkeypatch, is_folder):
    """`remove_leftovers` of a process that starts now finds it unlocked, before or after it is opened."""
    opened = os.open

    def interrupt(moment):
        moments.remove(moment)
        with monkeypatch.context() as context:
            context.setattr(os, "open", opened)
            files.remove_leftovers(tmp_path)

    def watched(path, flags, *mode, **options):
        creates = flags & os.O_CREAT
        if not creates and "before" in moments:
            interrupt("before")
        descriptor = opened(path, flags, *mode, **options)
        if not creates and "after" in moments:
            interrupt("after")
        return descriptor

    moments = ["before", "after"]
    monkeypatch.setattr(os, "open", watched)
    with files.unfinished_folder(tmp_path) if is_folder else files.atomic_write(tmp_path / "a.txt") as unfinished:
        assert moments == []
        (unfinished / "file" if is_folder else unfinished).write_text("content")
    assert names(tmp_path) == ([] if is_folder else ["a.txt"])


def test_unfinished_folder(tmp_path):
    with files.unfinished_folder(tmp_path) as folder:
        (folder / "done").mkdir()
        (folder / "rest").write_text("")
        (folder / "done").rename(tmp_path / "1")
    assert names(tmp_path) == ["1"]


def test_leftovers_of_a_killed_process_are_removed_and_nothing_else(tmp_path):
    (tmp_path / ".unfinished-1234.png").write_text("of another program")
    (tmp_path / ".unfinished-otherhost-0123456789abcdef.png").write_text("of another host")
    foreign = [f"{files._UNFINISHED}mine.txt", f"{files._UNFINISHED}0123456789abcdef0.txt"]
    for name in foreign:
        (tmp_path / name).write_text("of the user")
    with writer(tmp_path) as process:
        unfinished = names(tmp_path)
        assert len(unfinished) == 6
        files.remove_leftovers(tmp_path)
        assert names(tmp_path) == unfinished  # still being written
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert names(tmp_path) == unfinished
    files.remove_leftovers(tmp_path)
    kept = [".unfinished-1234.png", ".unfinished-otherhost-0123456789abcdef.png", *foreign]
    assert names(tmp_path) == sorted(kept)


def test_leftovers_in_folders_below(tmp_path):
    (tmp_path / "sub").mkdir()
    with files.unfinished_folder(tmp_path / "sub") as folder:
        left = folder
    left.mkdir()
    files.remove_leftovers(tmp_path)
    assert left.exists()
    files.remove_leftovers(tmp_path, recursive=True)
    assert not left.exists()
    files.remove_leftovers(tmp_path / "missing")


def test_make_folder(tmp_path, monkeypatch):
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), "a\0b"):
        with pytest.raises(UserError, match="cannot write to the output folder"):
            files.make_folder(path)
    with pytest.raises(UserError, match="empty name"):
        files.make_folder("")
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(UserError, match="no permission"):
        files.make_folder(tmp_path)


@pytest.mark.parametrize(
    ("target", "used"), [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("a/../a/b", "a"), ("link/b", "a"), ("a", "link")]
)
def test_check_targets_refuses(tmp_path, target, used):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="overlaps the input"):
        files.check_targets([tmp_path / target], [tmp_path / used])


def test_check_targets_allows_separate_paths(tmp_path):
    for name in ("in", "output"):
        (tmp_path / name).mkdir()
    files.check_targets([tmp_path / "out"], [tmp_path / "in", tmp_path / "output", "compact_x4", "missing"])


def test_check_targets_names_the_flag(tmp_path):
    with pytest.raises(UserError, match="give another --workdir"):
        files.check_targets([tmp_path], [tmp_path], flag="--workdir")


def test_check_replaceable(tmp_path):
    folder = tmp_path / "results"
    replacing.check_replaceable(folder)
    (folder / "sub").mkdir(parents=True)
    replacing.check_replaceable(folder)
    (folder / "sub" / "a.png").write_text("")
    with pytest.raises(UserError, match=r"contains 'sub/a\.png', which no earlier run wrote"):
        replacing.check_replaceable(folder)
    replacing.write_manifest(folder)
    replacing.check_replaceable(folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"contains 'notes\.txt'"):
        replacing.check_replaceable(folder)
    (folder / "notes.txt").unlink()
    for damaged in ("{", "5", "[[]]"):
        (folder / replacing.MANIFEST_FILE).write_text(damaged)
        with pytest.raises(UserError, match="which no earlier run wrote"):
            replacing.check_replaceable(folder)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "link", tmp_path / "file"):
        with pytest.raises(UserError, match="not a folder"):
            replacing.check_replaceable(path)


def test_replace_folder(tmp_path):
    for text in ("old", "new"):
        with files.unfinished_folder(tmp_path) as unfinished:
            (unfinished / "results").mkdir()
            (unfinished / "results" / f"{text}.txt").write_text(text)
            replacing.write_manifest(unfinished / "results")
            replacing.replace_folder(unfinished / "results", tmp_path / "results")
    assert names(tmp_path / "results") == [replacing.MANIFEST_FILE, "new.txt"]
    (tmp_path / "results" / "notes.txt").write_text("mine")
    (tmp_path / "more").mkdir()
    with pytest.raises(UserError, match=r"notes\.txt"):
        replacing.replace_folder(tmp_path / "more", tmp_path / "results")
    assert (tmp_path / "results" / "notes.txt").read_text() == "mine"


def test_replace_files(tmp_path):
    (tmp_path / "new").mkdir()
    for number in range(2):
        for name in ("a.txt", "b.txt"):
            (tmp_path / "new" / name).write_text(f"{name} {number}")
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / "mine.txt").write_text("mine")
        replacing.replace_files(tmp_path / "new", tmp_path / "out")
        assert (tmp_path / "out" / "b.txt").read_text() == f"b.txt {number}"
        assert names(tmp_path / "out") == [replacing.MANIFEST_FILE, "a.txt", "b.txt", "mine.txt"]
    (tmp_path / "new" / "a.txt").write_text("again")
    (tmp_path / "new" / "mine.txt").write_text("not mine")
    with pytest.raises(
        UserError, match=r"cannot replace '.*mine.txt', which no earlier run wrote: give another --output"
    ):
        replacing.replace_files(tmp_path / "new", tmp_path / "out")
    assert (tmp_path / "out" / "a.txt").read_text() == "a.txt 1"
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_remove_folder(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(OSError, match="symbolic link"):
        files.remove_folder(tmp_path / "link")
    files.remove_folder(tmp_path / "a")
    files.remove_folder(tmp_path / "a")
    assert names(tmp_path) == ["link"]


def test_read_rows(tmp_path):
    rows = [{"step": 1}, {"step": "2"}, {"other": 3}, [4], {"step": 5, "more": 6}]
    lines = [json.dumps(row) for row in rows]
    (tmp_path / "a.jsonl").write_bytes("\n".join([*lines, '{"step": 7', "\ud800"]).encode(errors="surrogatepass"))
    assert files.read_rows(tmp_path / "a.jsonl", step=int) == [{"step": 1}, {"step": 5, "more": 6}]
    assert files.read_rows(tmp_path / "missing.jsonl") == []


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")  # FIPS 180-2, appendix B.1
    assert files.sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_folders_are_deleted_in_one_module():
    root = pathlib.Path(__file__).parent.parent
    found = {
        path.relative_to(root).as_posix()
        for folder in ("srgan_tf", "tools", "benchmarks")
        for path in (root / folder).rglob("*.py")
        if "rmtree" in path.read_text()
    }
    assert found == {"srgan_tf/files.py"}
