"""ONNX and LiteRT, each in its own runtime."""

import errno
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.samples import SHRUNK, assert_same_picture, families

from srgan_tf.errors import UserError, WorkError
from srgan_tf.export import runtimes
from srgan_tf.export.litert import export_litert, load_litert
from srgan_tf.export.module import describe_network
from srgan_tf.export.onnx import export_onnx, load_onnx
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.networks.generators import compact, srresnet
from srgan_tf.networks.precision import precision_scope

SIZES = ((17, 23), (8, 40), (31, 5))


@pytest.fixture(params=["onnx", "litert"])
def form(request):
    """(export, load, name of a file, the optional package) of one format."""
    forms = {
        "onnx": (export_onnx, load_onnx, "small.onnx", "tf2onnx"),
        "litert": (export_litert, load_litert, "small.tflite", "ai_edge_litert"),
    }
    pytest.importorskip(forms[request.param][3])
    return forms[request.param]


class Unconvertible(keras.layers.Layer):
    """Doubles a picture by an operation that neither format has."""

    def call(self, lr):
        areas = tf.image.resize(lr, 2 * tf.shape(lr)[1:3], "area")
        return tf.math.bessel_i0e(areas)

    def compute_output_shape(self, shape):
        return shape[0], shape[1] and 2 * shape[1], shape[2] and 2 * shape[2], 3


def sr_of(generator, lr):
    return np.clip(generator(lr), 0, 1)


@pytest.mark.parametrize("family", families(by_default=("srresnet",)))
def test_any_size(tmp_path, rng, form, family):
    export, load, name, _ = form
    generator = SHRUNK[family]()
    _, deviation = export(generator, tmp_path / name)
    assert deviation < 1e-4
    run, description = load(tmp_path / name)
    assert description == describe_network(generator, size=None)
    for size in SIZES:
        lr = rng.random((1, *size, 3), np.float32)
        np.testing.assert_allclose(run(lr), sr_of(generator, lr), atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.slow
@pytest.mark.parametrize("build", [srresnet, compact])
def test_scale_3(tmp_path, rng, form, build):
    export, load, name, _ = form
    generator = build(scale=3, num_blocks=1, num_filters=8)
    export(generator, tmp_path / name)
    run, description = load(tmp_path / name)
    assert description["scale"] == 3
    lr = rng.random((1, 17, 23, 3), np.float32)
    assert run(lr).shape == (1, 51, 69, 3)
    np.testing.assert_allclose(run(lr), sr_of(generator, lr), atol=1e-4)


def test_one_size(tmp_path, rng, form):
    export, load, name, _ = form
    generator = SHRUNK["msrresnet"]()
    export(generator, tmp_path / name, size=(17, 24))
    lr = rng.random((1, 17, 24, 3), np.float32)
    np.testing.assert_allclose(load(tmp_path / name)[0](lr), sr_of(generator, lr), atol=1e-4)
    with pytest.raises(UserError, match=rf"{re.escape(name)}' takes only images of 17x24 pixels: .* without --size"):
        load_upscaler(str(tmp_path / name))


def test_a_failed_conversion_is_reported_in_one_line(tmp_path, form):
    export, _, name, _ = form
    lr = keras.Input((None, None, 3))
    generator = keras.Model(lr, Unconvertible()(lr))
    with pytest.raises(WorkError, match=r"this network cannot be exported as (ONNX|LiteRT): .") as caught:
        export(generator, tmp_path / name)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_half_precision_model(tmp_path, rng, form):
    export, load, name, _ = form
    with precision_scope("bfloat16"):
        half = srresnet(num_blocks=1, num_filters=4)
    full = srresnet(num_blocks=1, num_filters=4)
    full.set_weights(half.get_weights())
    export(half, tmp_path / name)
    lr = rng.random((1, 9, 9, 3), np.float32)
    np.testing.assert_allclose(load(tmp_path / name)[0](lr), sr_of(full, lr), atol=1e-4)


def test_an_onnx_file_describes_its_model(tmp_path, rng, small_generator):
    onnx = pytest.importorskip("onnx")
    export_onnx(small_generator, tmp_path / "small.onnx")
    model = onnx.load(tmp_path / "small.onnx")
    assert [entry.version for entry in model.opset_import if entry.domain == ""] == [18]
    assert ([x.name for x in model.graph.input], [x.name for x in model.graph.output]) == (["lr"], ["sr"])
    description = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert description == {"srgan_tf": {"scale": 4, "receptive_field": 12, "size": None}}
    batch = rng.random((3, 7, 9, 3), np.float32)
    np.testing.assert_allclose(load_onnx(tmp_path / "small.onnx")[0](batch), sr_of(small_generator, batch), atol=1e-4)


@pytest.mark.slow
def test_as_a_model_of_the_other_scripts(tmp_path, rng, form, small_generator):
    export, _, name, _ = form
    export(small_generator, tmp_path / name)
    upscaler = load_upscaler(str(tmp_path / name))
    assert (upscaler.name, upscaler.scale) == ("small", 4)
    for size in SIZES:
        lr = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        assert_same_picture(upscaler.upscale(lr), network_upscaler(small_generator, "small").upscale(lr))
    (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(UserError, match=rf"{re.escape(name)}' is not a file written by srgan-tf export"):
        load_upscaler(str(tmp_path / name))


@pytest.mark.slow
def test_smaller_weights_cost_little(tmp_path):
    pytest.importorskip("ai_edge_litert")
    generator = compact(num_blocks=4)
    sizes, scores = {}, {}
    for precision in ("float32", "float16", "int8"):
        path = tmp_path / f"{precision}.tflite"
        _, scores[precision] = export_litert(generator, path, precision=precision)
        sizes[precision] = path.stat().st_size
    assert 4 * generator.count_params() < sizes["float32"] < 1.25 * 4 * generator.count_params()
    assert sizes["float16"] < 0.6 * sizes["float32"]
    assert sizes["int8"] < 0.35 * sizes["float32"]
    assert scores["float16"] > scores["int8"] + 20


@pytest.mark.slow
def test_a_deviating_export_is_not_published(tmp_path, monkeypatch, form, small_generator):
    export, load, name, _ = form
    module = export.__module__
    monkeypatch.setattr(f"{module}.{load.__name__}", lambda path: (lambda lr: load(path)[0](lr) + 2e-4, {}))
    with pytest.raises(WorkError, match="deviates from the generator by"):
        export(small_generator, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_large_quantization_error_is_refused():
    generator = srresnet(num_blocks=1, num_filters=4)
    with pytest.raises(WorkError, match=r"dB from the generator's, below 30\.0 dB"):
        runtimes.compare(generator, lambda lr: np.zeros_like(generator(lr)), None, least_psnr=30.0)


def test_a_missing_package_is_named(tmp_path, monkeypatch, form, small_generator):
    export, _, name, package = form
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(UserError, match=rf"needs pip install '\.\[export\]' .*{package}"):
        export(small_generator, tmp_path / name)


@pytest.mark.slow
def test_the_script(run_script, tmp_path, small_generator, form):
    _, load, name, _ = form
    small_generator.save(tmp_path / "small.keras")
    kind = "onnx" if name.endswith("onnx") else "litert"
    output = tmp_path / "deep" / name
    code, out, error = run_script("export", "--model", tmp_path / "small.keras", "--output", output, "--format", kind)
    assert code == 0, error
    assert f"done: {output}" in out
    assert load(output)[0](np.zeros((1, 8, 8, 3), np.float32)).shape == (1, 32, 32, 3)
    card = (tmp_path / "deep" / f"{name}.md").read_text()
    assert "- exported from 'small.keras'" in card
    assert "lr float32" in card


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--output", "folder", "--format", "onnx"], "writes a file: --output NAME.onnx (received 'folder')"),
        (["--output", "x.onnx", "--format", "onnx", "--version", "3"], "--version does not apply to --format onnx"),
        (["--output", "folder", "--size", "8x8"], "--size does not apply to --format saved_model"),
        (["--output", "x.tflite", "--format", "litert", "--size", "8"], "such as 128x128 (received '8')"),
        (["--output", "folder", "--version", "0"], "expected an integer from 1 to 2**63 - 1 (received '0')"),
    ],
)
def test_wrong_use(run_script, tmp_path, small_generator, flags, message):
    small_generator.save(tmp_path / "small.keras")
    code, _, error = run_script("export", "--model", tmp_path / "small.keras", *flags)
    assert code == 2
    assert message in error


def test_a_full_disk_is_not_a_fault_of_the_network():
    with pytest.raises(WorkError, match=r"^cannot write the ONNX file: the disk is full$"), runtimes.conversion("ONNX"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(WorkError, match=r"^this network cannot be exported as ONNX"), runtimes.conversion("ONNX"):
        raise OSError(errno.EIO, "Input/output error")
