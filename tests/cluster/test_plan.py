import pathlib
import uuid

import pytest
from PIL import Image

from srgan_tf.cluster.places import open_folder
from srgan_tf.cluster.plan import pictures_to_do, survey
from srgan_tf.errors import UserError
from srgan_tf.photos import jobs


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "in"
    for name in ("a.jpg", "a.png", "B.PNG", "b.tif", "sub/a.png", "sub/.hidden.png", "sub/deep/x.webp", ".git/y.png"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (9, 7)).save(path, {".jpg": "JPEG", ".tif": "TIFF"}.get(path.suffix, "PNG"))
    (root / "drawing.svg").write_text("<svg/>")
    (root / "sub" / "raw.dng").write_text("")
    return root


def planned(source, target, **options):
    return {
        (picture.source, picture.target)
        for picture in pictures_to_do(open_folder(source), open_folder(target), "png", **options)
    }


def test_the_plan_is_that_of_one_machine(tree, tmp_path):
    output = tmp_path / "out"
    expected = {
        (job.source.relative_to(tree).as_posix(), job.target.relative_to(output).as_posix())
        for job in jobs.plan([tree], output)
    }
    assert planned(tree, output, skip_existing=False) == expected
    assert ("a.jpg", "a.jpg.png") in expected
    assert planned(f"file://{tree}", output, skip_existing=False) == expected


def test_results_inside_the_input_are_not_inputs(tree):
    output = tree / "up"
    output.mkdir()
    Image.new("RGB", (9, 7)).save(output / "b.png")
    expected = {job.source.relative_to(tree).as_posix() for job in jobs.plan([tree], output)}
    assert {source for source, _ in planned(tree, output, skip_existing=False)} == expected


def test_existing_results(tree, tmp_path):
    output = tmp_path / "out"
    (output / "sub").mkdir(parents=True)
    (output / "sub" / "a.png").touch()
    found = survey(open_folder(tree), open_folder(output), "png")
    assert found == (6, 1, "sub/a.png", {".dng": 1, ".svg": 1})
    assert len(planned(tree, output, skip_existing=False)) == 6
    assert ("sub/a.png", "sub/a.png") not in planned(tree, output, skip_existing=True)
    assert len(planned(tree, output, skip_existing=True)) == 5


def test_pixels(tree, tmp_path):
    (tree / "a.png").write_text("damaged")
    found = {
        picture.source: picture.pixels
        for picture in pictures_to_do(open_folder(tree), open_folder(tmp_path), "png", skip_existing=False)
    }
    assert found["a.jpg"] == 63
    assert found["a.png"] == 1


def test_no_picture(tmp_path):
    for folder in (tmp_path, f"memory://{uuid.uuid4().hex}"):
        with pytest.raises(UserError, match=r"no picture in .*: looked for \.png"):
            survey(open_folder(folder), open_folder(tmp_path / "out"), "png")


def test_two_pictures_of_one_result(tree, tmp_path):
    Image.new("RGB", (9, 7)).save(tree / "a.png.png")
    with pytest.raises(UserError, match=r"two pictures in .* would have one result"):
        survey(open_folder(tree), open_folder(tmp_path / "out"), "png")
    with pytest.raises(UserError, match="two inputs would become"):
        jobs.plan([pathlib.Path(tree)], tmp_path / "out")
