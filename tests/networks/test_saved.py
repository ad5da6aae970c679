import keras
import numpy as np
import pytest

from srgan_tf.errors import UserError
from srgan_tf.networks.saved import find, load_generator
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
