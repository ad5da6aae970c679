import keras
import numpy as np
import pytest
from support.samples import assert_same_picture

from srgan_tf.errors import UserError
from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.images.resize import imresize
from srgan_tf.inference import loading, upscalers


@pytest.fixture
def lr(rng):
    return rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)


def test_bicubic(lr):
    upscaler = loading.load_upscaler("bicubic", scale=2)
    assert (upscaler.name, upscaler.scale) == ("bicubic", 2)
    np.testing.assert_array_equal(upscaler.upscale(lr), imresize(lr, 34, 46))


@pytest.mark.slow
def test_all_formats_give_the_same_image(tmp_path, small_generator, lr):
    expected = upscalers.network_upscaler(small_generator, "small").upscale(lr)
    run = tmp_path / "run"
    run.mkdir()
    small_generator.save(run / "generator.keras")
    small_generator.save(tmp_path / "alone.keras")
    version = export_saved_model(small_generator, tmp_path / "exported")
    for model, name in (
        (run, "run"),
        (tmp_path / "alone.keras", "alone"),
        (tmp_path / "exported", "exported"),
        (version, "1"),
    ):
        upscaler = loading.load_upscaler(str(model))
        assert (upscaler.name, upscaler.scale) == (name, 4)
        assert_same_picture(upscaler.upscale(lr), expected, err_msg=str(model))


def test_files_that_are_not_models(tmp_path):
    with pytest.raises(UserError, match="no model 'missing'"):
        loading.load_upscaler("missing")
    with pytest.raises(UserError, match=r"contains neither generator\.keras nor a SavedModel"):
        loading.load_upscaler(str(tmp_path))
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(UserError, match=r"text\.keras' is not a Keras model"):
        loading.load_upscaler(str(tmp_path / "text.keras"))


def test_a_scale_other_than_that_of_the_network(tmp_path, small_generator):
    small_generator.save(tmp_path / "x4.keras")
    assert loading.load_upscaler(str(tmp_path / "x4.keras"), scale=4).scale == 4
    with pytest.raises(UserError, match="enlarges by 4, not by 2"):
        loading.load_upscaler(str(tmp_path / "x4.keras"), scale=2)


def test_a_keras_model_that_is_not_a_generator(tmp_path):
    features = keras.Input((7,))
    keras.Model(features, keras.layers.Dense(2)(features)).save(tmp_path / "dense.keras")
    with pytest.raises(UserError, match="is not a generator"):
        loading.load_upscaler(str(tmp_path / "dense.keras"))


@pytest.mark.slow
def test_precision_of_networks_and_exports(tmp_path, monkeypatch, small_generator):
    small_generator.save(tmp_path / "network.keras")
    lr = np.random.default_rng(0).random((9, 7, 3)).astype(np.float32)
    single, half = (
        loading.load_upscaler(str(tmp_path / "network.keras"), precision=precision).upscale(lr)
        for precision in ("float32", "bfloat16")
    )
    assert 0 < np.abs(single - half).max() < 0.1
    monkeypatch.setattr(loading.hardware, "fast_precision", lambda: "bfloat16")
    automatic = loading.load_upscaler(str(tmp_path / "network.keras"), precision="auto").upscale(lr)
    np.testing.assert_array_equal(automatic, half)
    (tmp_path / "export.onnx").write_bytes(b"")
    with pytest.raises(UserError, match="has its own precision: it cannot be used in bfloat16"):
        loading.load_upscaler(str(tmp_path / "export.onnx"), precision="bfloat16")
