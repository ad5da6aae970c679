"""The work of an actor, in this process and without Ray."""

import errno
import os
import uuid

import pytest

from srgan_tf.cluster.actor import Loaded, Options, Refused, Upscaling
from srgan_tf.cluster.places import open_folder
from srgan_tf.cluster.plan import Picture
from srgan_tf.cluster.record import write_record
from srgan_tf.files import _UNFINISHED
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.photos import jobs

MODEL = {
    **{"model": "bicubic", "strength": None, "other": None, "alpha": None, "precision": "float32", "steps": None},
    **{"seed": None, "ensemble": False, "back_projection": 0},
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setattr(os, "environ", os.environ.copy())  # an actor has a process of its own


def actor(source, target, *, has_record=False, **changes):
    """An actor; `has_record` as if the driver had written the record of the output folder."""
    if has_record:
        write_record(open_folder(target), {})
    return Upscaling(Options(str(source), str(target), "png", {**MODEL, **changes}, factor=2.0), threads=1)


def test_results_are_those_of_one_machine(picture_folder, tmp_path):
    (picture_folder / "bad.png").write_text("no picture")
    batch = [Picture(path.name, path.name, 1) for path in sorted(picture_folder.iterdir())]
    expected = tmp_path / "expected"
    lines = []
    with pytest.raises(Exception, match="1 of 13 pictures failed"):
        jobs.run(BicubicUpscaler(2), jobs.plan([picture_folder], expected), lines.append)
    for target in (str(tmp_path / "out"), f"file://{tmp_path}/file", f"memory://{uuid.uuid4().hex}"):
        (tmp_path / "out").mkdir(exist_ok=True)
        work = actor(f"file://{picture_folder}" if "file" in target else picture_folder, target, has_record=True)
        assert isinstance(work.load(), Loaded)
        results = work.run(batch)
        assert [result.failure is None for result in results] == [True] * 12 + [False]
        assert results[0].line.startswith(f"{target}/00.png  80x72 -> 160x144")
        assert str(picture_folder) in results[-1].failure
        for path in expected.iterdir():
            with open_folder(target).reading(path.name) as written:
                assert written.read_bytes() == path.read_bytes()


def test_missing_pictures_of_an_address_are_failures(tmp_path):
    work = actor(f"file://{tmp_path}", tmp_path, has_record=True)
    work.load()
    (result,) = work.run([Picture("gone.png", "gone.png", 1)])
    assert result.failure == f"cannot read 'file://{tmp_path}/gone.png': no such file"
    assert not result.disk_is_full


def test_a_full_disk_ends_the_batch(picture_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "srgan_tf.photos.png.write_png", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space"))
    )
    work = actor(picture_folder, tmp_path, has_record=True)
    work.load()
    (result,) = work.run([Picture("00.png", "00.png", 1), Picture("01.png", "01.png", 1)])
    assert result.disk_is_full
    assert result.failure.startswith(f"cannot write '{tmp_path}/00.png'")


def test_mistakes_are_returned(tmp_path):
    refused = actor(tmp_path, tmp_path, model="missing").load()
    assert isinstance(refused, Refused)
    assert refused.is_mistake
    assert refused.reason.startswith("no model 'missing'")


def test_folders_that_a_node_does_not_have(tmp_path):
    assert (
        actor(tmp_path / "missing", tmp_path).load().reason.startswith(f"no folder '{tmp_path}/missing' (on the mach")
    )
    (tmp_path / "in").mkdir()
    work = actor(tmp_path / "in", tmp_path / "out")
    work.load()
    refused = work.run([Picture("00.png", "00.png", 1)])
    assert refused.reason.startswith(
        f"the output folder '{tmp_path}/out' is not shared with the driver (on the machine"
    )
    assert not refused.is_mistake


def test_the_precision_of_the_other_actors_is_used(tmp_path, monkeypatch):
    asked = []

    def load(model, *, precision, **_):
        asked.append(precision)
        return BicubicUpscaler(2)

    monkeypatch.setattr("srgan_tf.inference.assembly.load_upscaler", load)
    monkeypatch.setattr("srgan_tf.hardware.fast_precision", lambda: "bfloat16")
    work = actor(tmp_path, tmp_path, precision="auto")
    assert [work.load(other).precision for other in (None, "bfloat16", "float32")] == [
        "bfloat16",
        "bfloat16",
        "float32",
    ]
    assert asked == ["auto", "auto", "float32"]
    assert actor(tmp_path, tmp_path, precision="float32").load("float32").precision == "float32"


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    work = actor(tmp_path, tmp_path / "out")
    work.load()
    (tmp_path / "out/sub").mkdir(parents=True)
    leftover = tmp_path / "out/sub" / f"{_UNFINISHED}0123456789abcdef.png"
    leftover.touch()
    work.clean(["sub", "missing"])
    assert not leftover.exists()
