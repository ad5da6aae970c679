import keras
import numpy as np
import pytest
from support.samples import ROOT

from srgan_tf.errors import UserError
from srgan_tf.files import sha256
from srgan_tf.networks.saved import checksum, find, load_generator
from srgan_tf.weights import shipped


def test_a_file_and_a_run_folder(tmp_path, small_generator, rng):
    small_generator.save(tmp_path / "generator.keras")
    lr = rng.random((1, 5, 7, 3), np.float32)
    for model in (tmp_path, tmp_path / "generator.keras", str(tmp_path)):
        np.testing.assert_array_equal(load_generator(model)(lr), small_generator(lr))


def test_an_existing_file_takes_precedence_over_a_shipped_model(tmp_path, monkeypatch):
    name = shipped.names()[0]
    assert find(name) == shipped.find(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert find(name).resolve() == tmp_path / name
    assert find("other").name == "other"


def test_errors(tmp_path):
    with pytest.raises(
        UserError, match=r"no model 'missing': expected 'compact_x4', .*, a run folder or a \.keras file"
    ):
        load_generator("missing")
    with pytest.raises(UserError, match=r"no Keras model in the folder '.*': it contains no generator\.keras"):
        load_generator(tmp_path)
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(UserError, match=r"text\.keras' is not a Keras model"):
        load_generator(tmp_path / "text.keras")
    features = keras.Input((7,))
    keras.Model(features, keras.layers.Dense(2)(features)).save(tmp_path / "dense.keras")
    with pytest.raises(UserError, match=r"dense\.keras' is not a generator"):
        load_generator(tmp_path / "dense.keras")


def test_checksums_of_models(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "generator.keras").write_text("weights")
    (tmp_path / "run" / "metrics.jsonl").write_text("changes in training")
    (tmp_path / "a.keras").write_text("weights")
    assert checksum(tmp_path / "run") == checksum(tmp_path / "a.keras") == sha256(tmp_path / "a.keras")
    (tmp_path / "export" / "variables").mkdir(parents=True)
    (tmp_path / "export" / "variables" / "x").write_text("weights")
    before = checksum(tmp_path / "export")
    (tmp_path / "export" / "variables" / "x").write_text("others")
    assert checksum(tmp_path / "export") != before
    assert checksum("bicubic") == "bicubic"
    assert checksum("compact_x4") == sha256(ROOT / "srgan_tf/weights/compact_x4.keras")
