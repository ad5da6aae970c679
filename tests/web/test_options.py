"""Options of a request."""

import pytest

from srgan_tf.errors import UserError
from srgan_tf.web.options import Model, clean_name, models, parse
from srgan_tf.weights import shipped


def test_the_models_of_the_command_line_come_first_and_are_named_without_their_folder(tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    listed = models([tmp_path / "runs" / "mine"])
    assert list(listed)[:2] == ["mine", shipped.DEFAULT]
    assert sorted(listed) == sorted(["mine", *shipped.names(), "bicubic"])
    assert listed["mine"] == Model("mine", str(tmp_path / "runs" / "mine"), "Your model mine.", None, False)
    assert listed["photo_x4"].has_strength
    assert not listed["compact_x4"].has_strength
    assert parse({}, listed).model.name == "mine"


def test_an_included_model_can_be_the_default():
    listed = list(models(["compact_x4"]))
    assert (listed[:2], listed[-1]) == (["compact_x4", shipped.DEFAULT], "bicubic")
    assert sorted(listed) == sorted([*shipped.names(), "bicubic"])


def test_a_model_that_does_not_exist():
    with pytest.raises(UserError, match="no model 'runs/nowhere': expected a run folder"):
        models(["runs/nowhere"])


def test_all_options():
    query = {"model": "photo_x4", "strength": "0.25", "scale": "1.5", "format": "tiff", "name": "b.jpeg"}
    parsed = parse(query, models())
    assert (parsed.model.name, *parsed[1:]) == ("photo_x4", 1.5, None, 0.25, "tiff", "b")
    assert parse({"size": "640x480"}, models()).size == (640, 480)


@pytest.mark.parametrize("size", ["\u0663x3", "1e3x3", "x", "-1x3", "9999999x3", "3X3", "3x3\n"])
def test_sizes_that_are_none(size):
    with pytest.raises(ValueError, match="size must be"):
        parse({"size": size}, models())


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a.b.png", "a.b"),
        ("C:\\Users\\me\\a.png", "a"),
        ("<img src=x onerror=alert(1)>.png", "_img src=x onerror=alert(1)_"),
        ("a\r\nSet-Cookie: x=1.png", "a__Set-Cookie_ x=1"),
        ("\u202egnp.exe", "_gnp"),
        ("x" * 1000, "x" * 120),
        ("", "picture"),
        (".png", "png"),
    ],
)
def test_names_are_safe_in_headers_archives_and_file_systems(name, clean):
    assert clean_name(name) == clean
