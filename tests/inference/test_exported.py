import json
import re
import zipfile

import pytest
import tensorflow as tf

from srgan_tf.errors import UserError
from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.inference import exported
from srgan_tf.inference.loading import load_upscaler


def test_versions_are_sorted_by_number(tmp_path):
    for name in ("10", "9", "x", "2"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").write_text("not a folder")
    assert exported.versions(tmp_path) == [2, 9, 10]


def test_a_missing_package_is_named():
    assert exported.require("json", "reading") is json
    with pytest.raises(UserError, match=r"reading needs no_such_module: pip install 'srgan_tf\[export\]'"):
        exported.require("no_such_module", "reading")


def test_saved_model_folder(tmp_path):
    assert exported.saved_model_folder(tmp_path / "missing") is None
    assert exported.saved_model_folder(tmp_path) is None
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").write_bytes(b"")
    assert exported.saved_model_folder(tmp_path) == tmp_path / "2"
    assert exported.saved_model_folder(tmp_path / "1") == tmp_path / "1"


def test_a_folder_that_is_not_a_saved_model(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"is not a SavedModel written by srgan-tf export"):
        load_upscaler(str(tmp_path))


@pytest.mark.parametrize("damage", ["description", "graph", "variables"])
def test_a_damaged_saved_model(tmp_path, small_generator, damage):
    version = export_saved_model(small_generator, tmp_path)
    file = {
        "description": version / "assets.extra" / "srgan_tf.json",
        "graph": version / "saved_model.pb",
        "variables": version / "variables" / "variables.data-00000-of-00001",
    }[damage]
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(UserError, match=r"is not a SavedModel written by srgan-tf export") as caught:
        load_upscaler(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_foreign_saved_model(tmp_path, small_generator):
    version = export_saved_model(small_generator, tmp_path)
    (version / "assets.extra" / "srgan_tf.json").write_text('{"other": 1}')
    with pytest.raises(UserError, match=r"is not a SavedModel written by srgan-tf export"):
        load_upscaler(str(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 0}, r"the scale in its description must be 1, 2, \.\.\. \(received 0\)"),
        ({"scale": 4.5}, r"must be 1, 2, \.\.\. \(received 4\.5\)"),
        ({"scale": "x"}, r"must be 1, 2, \.\.\. \(received 'x'\)"),
        ({"scale": 2}, r"it enlarges 8x9 pixels to 32x36x3, not by the 2 of its description"),
        (
            {"receptive_field": -1},
            r"the receptive field in its description must be 0, 1, \.\.\. or null \(received -1\)",
        ),
    ],
)
def test_a_wrong_description(tmp_path, small_generator, change, message):
    version = export_saved_model(small_generator, tmp_path)
    file = version / "assets.extra" / exported.DESCRIPTION_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match=rf"is not a SavedModel written by srgan-tf export: .*{message}"):
        load_upscaler(str(tmp_path))


def test_a_wrong_signature(tmp_path):
    module = tf.Module()
    module.upscale = tf.function(lambda lr: lr, input_signature=[tf.TensorSpec([7], tf.int32)])
    tf.saved_model.save(module, tmp_path)
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / exported.DESCRIPTION_FILE).write_text('{"scale": 4, "receptive_field": 3}')
    with pytest.raises(UserError, match=r"is not a SavedModel written by srgan-tf export") as caught:
        load_upscaler(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_litert_description_is_read_up_to_a_limit(tmp_path):
    pytest.importorskip("ai_edge_litert")
    file = tmp_path / "bomb.tflite"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(exported.DESCRIPTION_FILE, " " * (2 << 20))
    message = "bomb.tflite' is not a file written by srgan-tf export: its description is larger than 1 MiB"
    with pytest.raises(UserError, match=re.escape(message)):
        load_upscaler(str(file))
