import pathlib

import numpy as np
import pytest
from PIL import Image

from srgan_tf import upscaling
from srgan_tf.data.pictures import read_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference import BicubicUpscaler


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "in"
    (root / "sub").mkdir(parents=True)
    for name in ("a.jpg", "b.png", "sub/a.png"):
        Image.new("RGB", (9, 7), (200, 100, 50)).save(root / name)
    return root


def targets(jobs, output):
    return [str(job.target.relative_to(output)) for job in jobs]


def test_folders_keep_their_tree(folder, tmp_path):
    assert targets(upscaling.plan([folder], tmp_path / "out"), tmp_path / "out") == ["a.png", "b.png", "sub/a.png"]


def test_files_by_their_name(folder, tmp_path):
    jobs = upscaling.plan([folder / "sub" / "a.png", folder / "b.png"], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.png", "b.png"]


def test_names_that_differ_in_their_suffix_keep_it(folder, tmp_path):
    Image.new("RGB", (9, 7)).save(folder / "a.bmp")
    jobs = upscaling.plan([folder], tmp_path / "out")
    assert targets(jobs, tmp_path / "out") == ["a.bmp.png", "a.jpg.png", "b.png", "sub/a.png"]


def test_inputs_are_never_replaced(folder):
    with pytest.raises(UserError, match=r"would replace the input .*b\.png"):
        upscaling.plan([folder / "b.png"], folder)
    with pytest.raises(UserError, match="would replace the input"):
        upscaling.plan([folder], pathlib.Path(f"{folder}/sub/.."))


def test_two_inputs_of_one_name(folder, tmp_path):
    with pytest.raises(UserError, match=r"two inputs would become .*a\.png"):
        upscaling.plan([folder / "sub" / "a.png", folder / "sub" / "." / "a.png"], tmp_path / "out")


def test_missing_inputs(tmp_path):
    with pytest.raises(UserError, match="no picture or folder 'missing'"):
        upscaling.plan(["missing"], tmp_path)


def test_one_bad_picture_does_not_stop_the_others(folder, tmp_path):
    (folder / "b.png").write_text("no picture")
    lines = []
    with pytest.raises(WorkError, match="1 of 3 pictures failed"):
        upscaling.run(BicubicUpscaler(2), upscaling.plan([folder], tmp_path / "out"), lines.append)
    assert [line for line in lines if "failed" in line] == [lines[1]]
    assert "b.png" in lines[1]
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*"))
    assert written == ["a.png", "sub/a.png"]
    picture = read_picture(tmp_path / "out" / "sub" / "a.png")
    assert picture.shape == (14, 18, 3)
    np.testing.assert_array_equal(picture[7, 9], [200, 100, 50])
