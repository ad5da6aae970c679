import json

import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_same_picture

from srgan_tf import serving
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference import network_upscaler
from srgan_tf.models.generators import srresnet
from srgan_tf.models.precision import precision_scope


def load_v1(folder):
    """Loads as TensorFlow Serving does: function (signature, **inputs) -> outputs."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    meta_graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(folder))

    def run(signature, **inputs):
        definition = meta_graph.signature_def[signature]
        feed = {definition.inputs[name].name: value for name, value in inputs.items()}
        return session.run({name: tensor.name for name, tensor in definition.outputs.items()}, feed)

    return run


def test_both_signatures_in_the_v1_loader_equal_upscaling(tmp_path, small_generator, rng):
    run = load_v1(serving.export_saved_model(small_generator, tmp_path))
    upscaler = network_upscaler(small_generator, "small")
    pictures = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in ((17, 23), (8, 40), (31, 5))]
    for picture in pictures:
        sr = run("tensor", lr=picture[np.newaxis] / np.float32(255))["sr"]
        assert_same_picture(np.rint(sr[0] * 255), upscaler.upscale(picture))
    # One request holds pictures of different sizes.
    encoded = [tf.io.encode_png(picture).numpy() for picture in pictures]
    answers = run("serving_default", image_bytes=encoded)["sr_bytes"]
    for answer, picture in zip(answers, pictures, strict=True):
        assert_same_picture(tf.io.decode_png(answer), upscaler.upscale(picture))


def test_bytes_of_other_kinds(tmp_path, small_generator, rng):
    run = load_v1(serving.export_saved_model(small_generator, tmp_path))
    grey = rng.integers(0, 256, (9, 11, 1), dtype=np.uint8)
    jpeg = tf.io.encode_jpeg(np.repeat(grey, 3, axis=-1)).numpy()
    answers = run("serving_default", image_bytes=[tf.io.encode_png(grey).numpy(), jpeg])["sr_bytes"]
    expected = network_upscaler(small_generator, "small").upscale(np.repeat(grey, 3, axis=-1))
    assert_same_picture(tf.io.decode_png(answers[0]), expected)
    assert tf.io.decode_png(answers[1]).shape == (36, 44, 3)
    with pytest.raises(tf.errors.InvalidArgumentError):
        run("serving_default", image_bytes=[b"no picture"])


def test_sr_stays_in_range(tmp_path, rng):
    generator = srresnet(
        num_blocks=1, num_filters=4, normalization="none", output_activation="linear", bilinear_skip=True
    )
    generator.get_layer("tail_conv").bias.assign([9.0, -9.0, 0.0])
    run = load_v1(serving.export_saved_model(generator, tmp_path))
    sr = run("tensor", lr=rng.random((2, 7, 9, 3), np.float32))["sr"]
    assert sr.shape == (2, 28, 36, 3)
    assert (sr[..., 0] == 1).all()
    assert (sr[..., 1] == 0).all()


def test_weights_are_stored_once(tmp_path):
    generator = srresnet(num_blocks=4, num_filters=32)
    version = serving.export_saved_model(generator, tmp_path)
    stored = sum(file.stat().st_size for file in (version / "variables").iterdir())
    assert stored < 1.05 * 4 * generator.count_params()


def test_a_mixed_precision_model_is_exported_in_float32(tmp_path, rng):
    with precision_scope("bfloat16"):
        generator = srresnet(num_blocks=1, num_filters=4)
    version = serving.export_saved_model(generator, tmp_path)
    lr = rng.random((1, 9, 9, 3), np.float32)
    full = srresnet(num_blocks=1, num_filters=4)
    full.set_weights(generator.get_weights())
    np.testing.assert_allclose(load_v1(version)("tensor", lr=lr)["sr"], full(lr), atol=1e-5)
    assert b"DT_BFLOAT16" not in (version / "saved_model.pb").read_bytes()


def test_versions_follow_each_other_and_leave_nothing_else(tmp_path, small_generator):
    (tmp_path / "7").mkdir()
    assert serving.export_saved_model(small_generator, tmp_path) == tmp_path / "8"
    assert serving.versions(tmp_path) == [7, 8]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["7", "8"]
    description = json.loads((tmp_path / "8" / "assets.extra" / serving.DESCRIPTION_FILE).read_text())
    assert description == {"scale": 4, "receptive_field": 12}


def test_a_model_that_deviates_is_not_published(tmp_path, monkeypatch, small_generator):
    load = tf.saved_model.load

    def load_brighter(folder):
        signatures = dict(load(folder).signatures)
        tensor = signatures["tensor"]
        signatures["tensor"] = lambda lr: {"sr": tensor(lr=lr)["sr"] + 1e-3}
        return type("Loaded", (), {"signatures": signatures})

    monkeypatch.setattr(tf.saved_model, "load", load_brighter)
    with pytest.raises(WorkError, match="'tensor' deviates"):
        serving.export_saved_model(small_generator, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_an_output_that_is_a_file(tmp_path, small_generator):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to the output folder"):
        serving.export_saved_model(small_generator, tmp_path / "file")
