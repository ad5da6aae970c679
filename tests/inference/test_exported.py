import json
import tracemalloc
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
    with pytest.raises(
        UserError,
        match=r"reading needs pip install '\.\[export\]' in the checkout of srgan_tf \(no module 'no_such_module'\)",
    ):
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_foreign_saved_model(tmp_path, small_generator):
    version = export_saved_model(small_generator, tmp_path)
    (version / "assets.extra" / "srgan_tf.json").write_text('{"other": 1}')
    with pytest.raises(UserError, match=r"is not a SavedModel written by srgan-tf export"):
        load_upscaler(str(tmp_path))


GOOD = {"scale": 4, "receptive_field": 12, "size": None}


def test_checked_description():
    assert exported.checked_description(GOOD) == (4, 12, None)
    assert exported.checked_description({"scale": 1, "receptive_field": None}) == (1, None, None)
    assert exported.checked_description(GOOD | {"size": [3, 5]}) == (4, 12, [3, 5])


@pytest.mark.parametrize(
    "description",
    [
        {},
        [],
        5,
        None,
        *({**GOOD, "scale": scale} for scale in (0, -1, 4.0, 4.5, "x", None, True, 65)),
        *({**GOOD, "receptive_field": halo} for halo in (-1, 1.5, "x", [])),
        *({**GOOD, "size": size} for size in ([1], [1, 2, 3], [0, 5], ["a", "b"], 7)),
    ],
)
def test_odd_descriptions_are_refused(description):
    with pytest.raises((ValueError, TypeError, KeyError)):
        exported.checked_description(description)


@pytest.mark.slow
def test_a_saved_model_that_does_not_fit_its_description(tmp_path, small_generator):
    version = export_saved_model(small_generator, tmp_path, warm_up_sizes=[])
    file = version / "assets.extra" / "srgan_tf.json"
    for scale, reason in ((2, r"maps 8x8 pixels to float32 \(1, 32, 32, 3\), expected"), (4.5, r"its scale is 4\.5")):
        file.write_text(json.dumps(GOOD | {"scale": scale}))
        with pytest.raises(UserError, match=reason) as caught:
            load_upscaler(str(tmp_path))
        assert str(caught.value).isprintable()


def test_a_foreign_function_named_upscale(tmp_path):
    module = tf.Module()
    module.upscale = tf.function(lambda text: text, input_signature=[tf.TensorSpec([], tf.string)])
    tf.saved_model.save(module, tmp_path / "1")
    (tmp_path / "1" / "assets.extra").mkdir()
    (tmp_path / "1" / "assets.extra" / "srgan_tf.json").write_text(json.dumps(GOOD))
    with pytest.raises(UserError, match="is not a SavedModel written by srgan-tf export") as caught:
        load_upscaler(str(tmp_path))
    assert str(caught.value).isprintable()


def test_a_description_that_unpacks_to_gigabytes(tmp_path):
    pytest.importorskip("ai_edge_litert")
    with zipfile.ZipFile(tmp_path / "a.tflite", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(exported.DESCRIPTION_FILE, bytes(200 << 20))
    tracemalloc.start()
    with pytest.raises(UserError, match="is not a file written by srgan-tf export"):
        load_upscaler(str(tmp_path / "a.tflite"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 << 20
