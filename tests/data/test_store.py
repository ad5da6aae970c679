import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time
from typing import ClassVar

import numpy as np
import pytest

from srgan_tf.data.crops import crop_batch
from srgan_tf.data.pairs import make_pair
from srgan_tf.data.sources import Source, open_source
from srgan_tf.data.store import default_cache, stored_pairs
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import WorkError

ROOT = pathlib.Path(__file__).parents[2]


@dataclasses.dataclass(frozen=True)
class Counted:
    """A loader that remembers which pictures were asked for."""

    index: int
    size: tuple[int, int] = (24, 36)
    scale: int = 4
    asked: ClassVar[list] = []

    def __call__(self):
        self.asked.append(self.index)
        return make_pair(str(self.index), draw_picture(self.index, *self.size), self.scale)

    def hr_size(self):
        return tuple(side - side % self.scale for side in self.size)

    def identity(self):
        return [self.index, *self.size]


@pytest.fixture
def asked(monkeypatch):
    monkeypatch.setattr(Counted, "asked", [])
    return Counted.asked


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def stores(cache):
    """The files in the folder, without the lock."""
    return sorted(path for path in cache.iterdir() if path.name != ".lock")


def assert_same_pairs(stored, source):
    for index, pair in zip(source.indices, source, strict=True):
        assert stored[index].name == pair.name
        for picture, expected in ((stored[index].lr, pair.lr), (stored[index].hr, pair.hr)):
            assert picture.shape == expected.shape
            np.testing.assert_array_equal(picture[0 : expected.shape[0], 0 : expected.shape[1]], expected)


def test_every_pixel_is_kept_of_pictures_of_odd_sizes(cache):
    source = Source("odd", [Counted(0, (17, 23)), Counted(1, (33, 12)), Counted(2, (4, 5))])
    assert_same_pairs(stored_pairs(source, cache), source)


def test_crops_from_disk_are_those_from_memory(picture_folder, cache):
    source = open_source(str(picture_folder), split="train", scale=4)
    stored = list(stored_pairs(source, cache).values())
    decoded = list(source)
    options = {"batch_size": 3, "hr_patch_size": 24, "scale": 4, "seed": 3}
    for step in range(20):
        for crop, expected in zip(
            crop_batch(stored, step, **options), crop_batch(decoded, step, **options), strict=True
        ):
            np.testing.assert_array_equal(crop, expected)


def test_a_store_is_built_once_for_all_parts_of_a_source(cache, asked):
    source = Source("some", [Counted(index) for index in range(5)])
    stored_pairs(source.select([3, 1]), cache)
    assert sorted(asked) == [0, 1, 2, 3, 4]
    assert list(stored_pairs(source, cache)) == [0, 1, 2, 3, 4]
    assert len(asked) == 5
    assert len(stores(cache)) == 1


@pytest.mark.parametrize("change", ["size", "time", "path", "more", "scale"])
def test_a_changed_source_gets_a_new_store(picture_folder, cache, change):
    stored_pairs(open_source(str(picture_folder), split="train", scale=4), cache)
    picture = picture_folder / "05.png"
    status = picture.stat()
    scale = 4
    if change == "size":
        picture.write_bytes(picture.read_bytes() + b"\0")
        os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "time":
        os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    elif change == "path":
        picture.rename(picture_folder / "05b.png")
    elif change == "more":
        (picture_folder / "12.png").write_bytes(picture.read_bytes())
    else:
        scale = 2
    source = open_source(str(picture_folder), split="train", scale=scale)
    assert_same_pairs(stored_pairs(source, cache), source)
    assert len(stores(cache)) == 2


def test_pictures_smaller_than_a_pixel_of_lr_are_not_in_it(cache):
    source = Source("some", [Counted(0), Counted(1, (3, 40)), Counted(2)])
    assert list(stored_pairs(source, cache)) == [0, 2]


@pytest.mark.parametrize("damage", ["shorter", "longer", "a pixel", "no pixels", "no index", "half an index", "entry"])
def test_a_damaged_store_is_built_again(cache, caplog, damage):
    source = Source("some", [Counted(index) for index in range(3)])
    stored_pairs(source, cache)
    (folder,) = stores(cache)
    pixels, index = folder / "pixels.bin", folder / "index.json"
    whole = pixels.read_bytes()
    if damage in ("shorter", "longer", "a pixel"):
        changed = bytes([whole[0] ^ 1]) + whole[1:]
        pixels.write_bytes({"shorter": whole[:-1], "longer": whole + b"\0", "a pixel": changed}[damage])
    elif damage == "no pixels":
        pixels.unlink()
    elif damage == "no index":
        index.unlink()
    elif damage == "half an index":
        index.write_bytes(index.read_bytes()[:50])
    else:
        index.write_text(json.dumps([entry | {"offset": 10**9} for entry in json.loads(index.read_text())]))
    assert_same_pairs(stored_pairs(source, cache), source)
    assert "is damaged" in caplog.text
    assert stores(cache) == [folder]


def test_open_pictures_stay_readable_after_their_store_is_removed(cache):
    source = Source("some", [Counted(0)])
    stored = stored_pairs(source, cache)
    (folder,) = stores(cache)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    assert_same_pairs(stored, source)


@pytest.mark.slow
def test_an_unfinished_store_of_a_killed_build_is_not_used(picture_folder, cache):
    code = (
        "import sys, time\n"
        "from srgan_tf.data.sources import open_source\n"
        "from srgan_tf.data.store import stored_pairs\n"
        "source = open_source(sys.argv[1], split='train', scale=4)\n"
        "source.loaders[9:] = [type('Stuck', (), {'__call__': lambda self: time.sleep(600),\n"
        "    'hr_size': loader.hr_size, 'identity': loader.identity, 'scale': 4})() for loader in source.loaders[9:]]\n"
        "stored_pairs(source, sys.argv[2])\n"
    )
    builder = subprocess.Popen([sys.executable, "-c", code, str(picture_folder), str(cache)], cwd=ROOT)
    try:
        deadline = time.monotonic() + 60
        while not list(cache.glob(".unfinished-*/pixels.bin")):
            assert builder.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        builder.send_signal(signal.SIGKILL)
        builder.wait()
    (leftover,) = stores(cache)
    assert leftover.name.startswith(".unfinished-")

    source = open_source(str(picture_folder), split="train", scale=4)
    assert_same_pairs(stored_pairs(source, cache), source)
    (folder,) = stores(cache)
    assert folder.name == leftover.name.removeprefix(".unfinished-")


def test_one_of_two_builders_waits(cache, asked, monkeypatch, caplog):
    caplog.set_level("INFO")
    source = Source("some", [Counted(index) for index in range(3)])
    load, begun = Counted.__call__, threading.Event()

    def slow(self):
        begun.set()
        time.sleep(0.2)
        return load(self)

    monkeypatch.setattr(Counted, "__call__", slow)
    first = threading.Thread(target=stored_pairs, args=(source, cache))
    first.start()
    assert begun.wait(10)
    assert len(stored_pairs(source, cache)) == 3
    first.join()
    assert sorted(asked) == [0, 1, 2]
    assert "waiting for another process" in caplog.text


def test_no_store_remains_if_a_picture_cannot_be_read(picture_folder, cache):
    damaged = picture_folder / "05.png"
    damaged.write_bytes(damaged.read_bytes()[:2000])
    with pytest.raises(WorkError, match=r"05\.png"):
        stored_pairs(open_source(str(picture_folder), split="train", scale=4), cache)
    assert stores(cache) == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB; the picture folder's pictures take 220 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if not shutil.which("mount"):
        pytest.skip("cannot mount a small file system: there is no mount")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("foreseen", [True, False])
def test_a_full_disk_is_reported_and_nothing_remains(picture_folder, small_disk, monkeypatch, foreseen):
    message = r"take 0\.00022 GB, but '.*small' has 6.*e-05 GB free; --set data\.cache="
    if not foreseen:  # the disk fills up while the store is built
        monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10**9}))
        message = r"cannot keep decoded pictures in '.*small': No space left on device; --set data\.cache="
    with pytest.raises(WorkError, match=message):
        stored_pairs(open_source(str(picture_folder), split="train", scale=4), small_disk)
    assert stores(small_disk) == []


@pytest.mark.slow
def test_a_file_size_limit_is_reported_and_nothing_remains(picture_folder, cache):
    code = (
        "import resource, sys\n"
        "from srgan_tf.data.sources import open_source\n"
        "from srgan_tf.data.store import stored_pairs\n"
        "from srgan_tf.errors import WorkError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try:\n"
        "    stored_pairs(open_source(sys.argv[1], split='train', scale=4), sys.argv[2])\n"
        "except WorkError as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", code, str(picture_folder), str(cache)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "File too large; --set data.cache=" in said
    assert stores(cache) == []


def test_a_cache_that_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WorkError, match="cannot keep decoded pictures in"):
        stored_pairs(Source("some", [Counted(0)]), tmp_path / "file" / "cache")


def test_the_users_cache_folder(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert default_cache() == pathlib.Path("/elsewhere/srgan_tf")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == pathlib.Path.home() / ".cache" / "srgan_tf"
