import contextlib
import io
import subprocess
import sys
import types

import numpy as np
import psutil
import pytest

from srgan_tf import hardware
from srgan_tf.data import pipeline
from srgan_tf.data.pipeline import load_pairs
from srgan_tf.data.sources import open_source
from srgan_tf.data.store import StoredPicture
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.pictures import write_picture


@pytest.fixture
def mixed(tmp_path):
    """Two folders: 40x48 and 24x96 HR pictures, 33x37 ones and one of three pixels."""
    for index in range(3):
        write_picture(tmp_path / "a" / f"{index}.png", draw_picture(index, 40, 48))
    write_picture(tmp_path / "a" / "low.png", draw_picture(3, 24, 96))
    for index in range(2):
        write_picture(tmp_path / "b" / "deep" / f"{index}.png", draw_picture(4 + index, 33, 37))
    write_picture(tmp_path / "b" / "dot.png", draw_picture(6, 3, 50))
    return [open_source(str(tmp_path / name), split="train", scale=4) for name in ("a", "b")]


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_sources_are_mixed_and_small_pictures_left_out_with_a_count(mixed, tmp_path, caplog, store):
    pairs = load_pairs(mixed, min_hr_side=32, store=store, cache=tmp_path / "cache")
    assert [pair.name for pair in pairs] == ["0", "1", "2", "deep/0", "deep/1"]
    assert "a: left out 1 of 4 pictures, smaller than 32 pixels" in caplog.text
    assert "b: left out 1 of 3 pictures, smaller than 32 pixels" in caplog.text
    assert isinstance(pairs[0].hr, np.ndarray if store == "memory" else StoredPicture)
    with pytest.raises(UserError, match="every picture of a, b has a side shorter than 64 pixels"):
        load_pairs(mixed, min_hr_side=64, store=store, cache=tmp_path / "cache")


@pytest.mark.parametrize("store", ["memory", "disk"])
@pytest.mark.parametrize("headers", [True, False])
def test_every_unreadable_picture_is_listed(mixed, tmp_path, store, headers):
    damaged = [tmp_path / "a" / "0.png", tmp_path / "a" / "2.png", tmp_path / "b" / "deep" / "1.png"]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:400])  # the header is whole
    if headers:
        damaged[1].write_text("no picture")
    with pytest.raises(WorkError, match=r"^3 pictures cannot be read: ") as error:
        load_pairs(mixed, min_hr_side=32, store=store, cache=tmp_path / "cache")
    for path in damaged:
        assert str(error.value).count(str(path)) == 1
    assert "low.png" not in str(error.value)
    assert "\n" not in str(error.value)


def test_some_pictures_of_a_source_on_disk(mixed, tmp_path):
    pairs = load_pairs([mixed[0].select([2, 0])], min_hr_side=32, store="disk", cache=tmp_path / "cache")
    assert [pair.name for pair in pairs] == ["2", "0"]


def test_auto_uses_the_disk_if_memory_is_short(mixed, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    # Decoded, HR and LR: 3 x 40x48, 24x96, 2 x 32x36; the picture of three pixels leaves nothing.
    needed = 3 * (3 * 40 * 48 + 24 * 96 + 2 * 32 * 36) * 17 // 16
    assert sum(source.decoded_bytes() for source in mixed) == needed
    monkeypatch.setattr(pipeline, "free_memory", lambda: 2 * needed)
    assert isinstance(load_pairs(mixed, min_hr_side=32, cache=tmp_path)[0].hr, np.ndarray)
    assert "they are stored in memory" in caplog.text
    monkeypatch.setattr(pipeline, "free_memory", lambda: 2 * needed - 1)
    assert isinstance(load_pairs(mixed, min_hr_side=32, cache=tmp_path / "cache")[0].hr, StoredPicture)
    assert "they are stored on disk" in caplog.text


def test_memory_is_refused_if_there_is_too_little(mixed, monkeypatch):
    monkeypatch.setattr(pipeline, "free_memory", lambda: 1000)
    with pytest.raises(UserError, match=r"take 3\.3e-05 GB, 1e-06 GB of memory are free: --set data\.store=auto"):
        load_pairs(mixed, store="memory")


def test_free_memory_respects_a_containers_limit(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(
        hardware, "_CONTROL_GROUPS", ((str(tmp_path), "memory.max", "memory.current", "inactive_file"),)
    )
    (tmp_path / "memory.current").write_text(f"{25 * 10**9}\n")
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {5 * 10**9}\nactive_file 7\n")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: types.SimpleNamespace(available=50 * 10**9))
    assert hardware.free_memory() == 50 * 10**9
    limit.write_text("max\n")
    assert hardware.free_memory() == 50 * 10**9
    limit.write_text(f"{40 * 10**9}\n")
    assert hardware.free_memory() == 20 * 10**9  # others use memory too


@pytest.mark.slow
def test_the_same_batches_in_another_process():
    code = (
        "import hashlib\n"
        "from srgan_tf.data.pipeline import TrainingPictures, load_pairs\n"
        "from srgan_tf.data.sources import open_source\n"
        "pairs = load_pairs([open_source('synthetic', split='train', scale=4, synthetic_count=2, synthetic_size=96)])\n"
        "for degradation in ('bicubic', 'realistic'):\n"
        "    pictures = TrainingPictures(pairs, batch_size=4, hr_patch_size=24, scale=4, degradation=degradation)\n"
        "    ((lr, hr),) = pictures.batches(17, 18, (5, 1))\n"
        "    print(hashlib.md5(lr.numpy().tobytes() + hr.numpy().tobytes()).hexdigest())\n"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    with contextlib.redirect_stdout(io.StringIO()) as here:
        exec(code)
    assert len(set(other.split())) == 2
    assert here.getvalue() == other
