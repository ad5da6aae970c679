import io
import json
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support.samples import SHRUNK, assert_same_picture, families
from support.serving_v1 import ServedModel
from tensorflow.core.protobuf import saved_model_pb2

from srgan_tf.errors import UserError, WorkError
from srgan_tf.export import warm_up
from srgan_tf.export.saved_model import export_saved_model
from srgan_tf.files import unfinished_folder
from srgan_tf.images.pixels import RECIPROCAL
from srgan_tf.images.positions import axis_positions
from srgan_tf.inference.exported import DESCRIPTION_FILE, versions
from srgan_tf.inference.loading import load_upscaler, upscaler_of
from srgan_tf.inference.upscalers import network_upscaler
from srgan_tf.networks.generators import idm, srresnet
from srgan_tf.networks.precision import precision_scope
from srgan_tf.networks.rewrites.inference import optimize_for_inference

SIZES = ((17, 23), (8, 40), (31, 5))


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A small generator's SavedModel with a limit of 1000 pixels, and the upscaler that upscale.py makes of it."""
    tf.keras.utils.set_random_seed(0)
    generator = srresnet(num_blocks=2, num_filters=8)
    folder = tmp_path_factory.mktemp("exported")
    return export_saved_model(generator, folder, max_pixels=1000), network_upscaler(
        optimize_for_inference(generator), "small"
    )


@pytest.fixture(scope="module")
def served(exported):
    return ServedModel(exported[0])


def refusal(served, signature, **inputs):
    """The message with which a request is refused."""
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        served(signature, **inputs)
    return caught.value.message


def test_every_signature_in_the_v1_loader_equals_upscaling(exported, served, rng):
    upscaler = exported[1]
    pictures = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
    for picture in pictures:
        expected = upscaler.upscale(picture)
        np.testing.assert_array_equal(served("tensor_uint8", lr=picture[np.newaxis])["sr"][0], expected)
        sr = served("tensor", lr=picture[np.newaxis] * RECIPROCAL)["sr"]
        np.testing.assert_array_equal(np.rint(sr[0] * 255), expected)
    # One request holds pictures of different sizes.
    answers = served("serving_default", image_bytes=[tf.io.encode_png(picture).numpy() for picture in pictures])
    for answer, picture in zip(answers["sr_bytes"], pictures, strict=True):
        np.testing.assert_array_equal(tf.io.decode_png(answer), upscaler.upscale(picture))


@pytest.mark.parametrize("family", families(by_default=()))
def test_every_family_in_the_v1_loader_equals_upscaling(tmp_path, rng, family):
    generator = SHRUNK[family]()
    served = ServedModel(export_saved_model(generator, tmp_path, warm_up_sizes=[]))
    upscaler = network_upscaler(optimize_for_inference(generator), family)
    for size in SIZES:
        picture = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        assert_same_picture(served("tensor_uint8", lr=picture[np.newaxis])["sr"][0], upscaler.upscale(picture))


@pytest.mark.slow
def test_a_size_in_the_v1_loader(tmp_path, rng):
    tf.keras.utils.set_random_seed(0)
    generator = SHRUNK["continuous"]()
    served = ServedModel(export_saved_model(generator, tmp_path, max_pixels=200, warm_up_sizes=[]))
    lr = rng.random((1, 9, 14, 3), np.float32)
    upscaler = upscaler_of(optimize_for_inference(generator), "any")
    for size in ((9, 14), (25, 31), (36, 56)):
        sr = served("tensor_size", lr=lr, size=size)["sr"]
        positions = [axis_positions(own, out) for own, out in zip((9, 14), size, strict=True)]
        np.testing.assert_allclose(sr[0], upscaler.sample(lr[0], *positions), atol=1e-6)
    np.testing.assert_allclose(sr, served("tensor", lr=lr)["sr"], atol=1e-6)
    message = "`size` must be at least that of `lr` and at most 3200 pixels together. Received: "
    for size in ((8, 14), (40, 81)):
        assert f"{message}[{size[0]} {size[1]}]" in refusal(served, "tensor_size", lr=lr, size=size)


@pytest.mark.slow
def test_samples_of_a_diffusion_in_the_v1_loader(tmp_path, rng):
    tf.keras.utils.set_random_seed(0)
    generator = idm(num_blocks=1, num_filters=4, basis=2, hidden=4, widths=(4, 6), decoder_hidden=4)
    served = ServedModel(export_saved_model(generator, tmp_path, warm_up_sizes=[]))
    lr = rng.integers(0, 256, (9, 14, 3), dtype=np.uint8)
    upscaler = upscaler_of(optimize_for_inference(generator), "idm")
    for _ in range(2):  # the same noise in every call
        assert_same_picture(served("tensor_uint8", lr=lr[np.newaxis])["sr"][0], upscaler.upscale(lr))


def test_a_batch_of_tensors(exported, served, rng):
    pictures = rng.integers(0, 256, (3, 9, 11, 3), dtype=np.uint8)
    for picture, sr in zip(pictures, served("tensor_uint8", lr=pictures)["sr"], strict=True):
        np.testing.assert_array_equal(sr, exported[1].upscale(picture))


def test_signatures_have_the_names_that_are_documented(served):
    names = {name: ([*signature.inputs], [*signature.outputs]) for name, signature in served.signatures.items()}
    names.pop("__saved_model_init_op")
    assert names == {
        "serving_default": (["image_bytes"], ["sr_bytes"]),
        "tensor": (["lr"], ["sr"]),
        "tensor_uint8": (["lr"], ["sr"]),
        "describe": (["key"], ["value"]),
    }


def test_the_describe_signature_returns_scale_limit_and_receptive_field(served):
    values = served("describe", key=["scale", "max_pixels", "receptive_field"])["value"]
    assert values.tolist() == [4, 1000, 12]
    assert "`key` must be of: scale, receptive_field, max_pixels" in refusal(served, "describe", key=["size"])


def test_gray_png_webp_and_jpeg_bytes(exported, served, rng):
    grey = rng.integers(0, 256, (9, 11, 1), dtype=np.uint8)
    expected = exported[1].upscale(np.repeat(grey, 3, axis=-1))
    webp = io.BytesIO()
    Image.fromarray(grey[..., 0]).save(webp, "WEBP", lossless=True)
    jpeg = tf.io.encode_jpeg(np.repeat(grey, 3, axis=-1)).numpy()
    answers = served("serving_default", image_bytes=[tf.io.encode_png(grey).numpy(), webp.getvalue(), jpeg])["sr_bytes"]
    np.testing.assert_array_equal(tf.io.decode_png(answers[0]), expected)
    np.testing.assert_array_equal(tf.io.decode_png(answers[1]), expected)
    np.testing.assert_array_equal(
        tf.io.decode_png(answers[2]), exported[1].upscale(np.asarray(Image.open(io.BytesIO(jpeg))))
    )


def test_requests_that_are_refused(served):
    good = tf.io.encode_png(np.zeros((4, 4, 3), np.uint8)).numpy()
    assert "neither a PNG nor a JPEG nor a WebP image" in refusal(
        served, "serving_default", image_bytes=[good, b"no picture"]
    )
    assert "Invalid PNG" in refusal(served, "serving_default", image_bytes=[good[:-20]])
    large = tf.io.encode_png(np.zeros((40, 26, 3), np.uint8)).numpy()
    expected = "the image has 40 x 26 pixels (height x width) and the limit is 1000: send it in tiles"
    assert expected in refusal(served, "serving_default", image_bytes=[large])
    for signature, dtype in (("tensor", np.float32), ("tensor_uint8", np.uint8)):
        message = refusal(served, signature, lr=np.zeros((2, 21, 24, 3), dtype))
        assert "`lr` of shape [2 21 24 3] has more pixels than the limit of 1000" in message
        assert "or none" in refusal(served, signature, lr=np.zeros((1, 0, 7, 3), dtype))
    assert "`lr` must lie in [0, 1]. Received: 0 to 255" in refusal(
        served, "tensor", lr=np.float32([[[[0, 0, 0], [9, 9, 255]]]])
    )
    assert "Received: nan" in refusal(served, "tensor", lr=np.full((1, 4, 4, 3), np.nan, np.float32))
    # None of them harms a later one, and the limits themselves are allowed.
    assert served("tensor_uint8", lr=np.zeros((1, 40, 25, 3), np.uint8))["sr"].shape == (1, 160, 100, 3)


@pytest.mark.slow
def test_the_warm_up_file_replays(tmp_path, small_generator):
    from tensorflow_serving.apis import prediction_log_pb2

    version = export_saved_model(small_generator, tmp_path, max_pixels=50 * 50, warm_up_sizes=[(50, 50), (51, 50)])
    served = ServedModel(version)
    replayed = {}
    for record in tf.data.TFRecordDataset([str(version / "assets.extra" / "tf_serving_warmup_requests")]):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        replayed[request.model_spec.signature_name] = served(request.model_spec.signature_name, **inputs)
    assert set(replayed) == {"serving_default", "tensor", "tensor_uint8", "describe"}
    assert replayed["tensor"]["sr"].shape == (1, 200, 200, 3)


def test_warm_up_sizes(tmp_path):
    warm_up.write_requests(tmp_path / "requests", warm_up.SIZES)
    assert len(list(tf.data.TFRecordDataset([str(tmp_path / "requests")]))) == 3 * len(warm_up.SIZES) + 1
    assert (tmp_path / "requests").stat().st_size < 10_000


@pytest.mark.slow
def test_sr_stays_in_range(tmp_path, rng):
    generator = srresnet(
        num_blocks=1, num_filters=4, normalization="none", output_activation="linear", bilinear_skip=True
    )
    generator.get_layer("tail_conv").bias.assign([9.0, -9.0, 0.0])
    served = ServedModel(export_saved_model(generator, tmp_path))
    sr = served("tensor", lr=rng.random((2, 7, 9, 3), np.float32))["sr"]
    assert sr.shape == (2, 28, 36, 3)
    assert (sr[..., 0] == 1).all()
    assert (sr[..., 1] == 0).all()


@pytest.mark.slow
def test_weights_are_stored_once(tmp_path):
    generator = srresnet(num_blocks=4, num_filters=32)
    version = export_saved_model(generator, tmp_path, warm_up_sizes=[])
    stored = sum(file.stat().st_size for file in (version / "variables").iterdir())
    assert stored < 1.05 * 4 * generator.count_params()
    assert (version / "saved_model.pb").stat().st_size < 4 * generator.count_params()


def test_no_custom_operation_and_no_python_in_the_graph(exported):
    saved = saved_model_pb2.SavedModel.FromString((exported[0] / "saved_model.pb").read_bytes())
    graph = saved.meta_graphs[0].graph_def
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    operations = {node.op for node in nodes} - {function.signature.name for function in graph.library.function}
    assert "Conv2D" in operations
    assert not operations & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
    assert not [name for name in operations if "FusedBatchNorm" in name or "Dropout" in name or "Random" in name]
    assert all(hasattr(tf.raw_ops, name) or name.startswith("_") for name in operations)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def test_a_mixed_precision_model_is_exported_in_float32(tmp_path, rng, precision):
    with precision_scope(precision):
        generator = srresnet(num_blocks=1, num_filters=4)
    version = export_saved_model(generator, tmp_path)
    lr = rng.random((1, 9, 9, 3), np.float32)
    full = srresnet(num_blocks=1, num_filters=4)
    full.set_weights(generator.get_weights())
    np.testing.assert_allclose(ServedModel(version)("tensor", lr=lr)["sr"], full(lr), atol=1e-5)
    graph = (version / "saved_model.pb").read_bytes()
    assert b"DT_BFLOAT16" not in graph
    assert b"DT_HALF" not in graph


@pytest.mark.slow
def test_no_version_follows_the_largest(tmp_path, small_generator):
    (tmp_path / str(2**63 - 1)).mkdir()
    (tmp_path / str(2**63 - 1) / "saved_model.pb").touch()
    with pytest.raises(UserError, match="has the largest version"):
        export_saved_model(small_generator, tmp_path)


def test_versions_follow_each_other_and_leave_nothing_else(tmp_path, small_generator):
    (tmp_path / "7").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    assert export_saved_model(small_generator, tmp_path) == tmp_path / "8"
    assert export_saved_model(small_generator, tmp_path, version=3) == tmp_path / "3"
    assert versions(tmp_path) == [3, 7, 8]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3", "7", "8", "notes.txt"]
    assert (tmp_path / "8").stat().st_mode == (tmp_path / "7").stat().st_mode  # a server may read it as any other
    description = json.loads((tmp_path / "8" / "assets.extra" / DESCRIPTION_FILE).read_text())
    assert description == {"scale": 4, "receptive_field": 12, "max_pixels": 512 * 512}
    for version in (3, 7):
        with pytest.raises(UserError, match=f"already has version {version}, "):
            export_saved_model(small_generator, tmp_path, version=version)


@pytest.mark.slow
def test_exporting_into_a_folder_that_is_being_read(tmp_path, small_generator, rng):
    lr = rng.random((1, 8, 8, 3), np.float32)
    expected = ServedModel(export_saved_model(small_generator, tmp_path))("tensor", lr=lr)["sr"]
    done = threading.Event()
    failures, read = [], set()

    def keep_reading():
        while not done.is_set():
            try:
                newest = tmp_path / str(versions(tmp_path)[-1])
                np.testing.assert_array_equal(ServedModel(newest)("tensor", lr=lr)["sr"], expected)
                read.add(newest.name)
            except Exception as error:
                failures.append(error)
                return

    reader = threading.Thread(target=keep_reading)
    reader.start()
    export_saved_model(small_generator, tmp_path)
    while "2" not in read and reader.is_alive():
        time.sleep(0.1)
    done.set()
    reader.join()
    assert not failures
    assert read == {"1", "2"}


@pytest.mark.slow
def test_leftovers_of_a_killed_export_are_removed(tmp_path, small_generator):
    with unfinished_folder(tmp_path) as folder:
        left = folder.name
    (tmp_path / left / "version" / "variables").mkdir(parents=True)
    assert export_saved_model(small_generator, tmp_path, warm_up_sizes=[]) == tmp_path / "1"
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


@pytest.mark.slow
def test_two_exports_at_once_take_different_numbers(tmp_path, monkeypatch, small_generator):
    from srgan_tf.export import saved_model

    seen = saved_model.versions

    def slow_to_see(folder):  # the other export got its number just after this one looked
        monkeypatch.setattr(saved_model, "versions", seen)
        return []

    export_saved_model(small_generator, tmp_path)
    unfinished = tmp_path / ".unfinished"
    unfinished.mkdir()
    monkeypatch.setattr(saved_model, "versions", slow_to_see)
    assert saved_model._publish(unfinished, tmp_path, None) == tmp_path / "2"


@pytest.mark.slow
def test_a_model_that_deviates_is_not_published(tmp_path, monkeypatch, small_generator):
    load = tf.saved_model.load

    def load_brighter(folder):
        signatures = dict(load(folder).signatures)
        tensor = signatures["tensor"]
        signatures["tensor"] = lambda lr: {"sr": tensor(lr=lr)["sr"] + 1e-3}
        return type("Loaded", (), {"signatures": signatures})

    monkeypatch.setattr(tf.saved_model, "load", load_brighter)
    with pytest.raises(WorkError, match="'tensor' deviates"):
        export_saved_model(small_generator, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_an_output_that_is_a_file(tmp_path, small_generator):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write to the output folder"):
        export_saved_model(small_generator, tmp_path / "file")


def test_an_output_without_permission(tmp_path, monkeypatch, small_generator):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root, whom CI may run as, may write everywhere
    with pytest.raises(UserError, match="no permission"):
        export_saved_model(small_generator, tmp_path)


def test_the_limit_binds_servers_and_not_upscale(exported, rng):
    picture = rng.integers(0, 256, (50, 41, 3), dtype=np.uint8)
    assert_same_picture(load_upscaler(str(exported[0])).upscale(picture), exported[1].upscale(picture))


def test_numbers_out_of_range(tmp_path, small_generator):
    for options, message in (
        ({"max_pixels": 10**20}, "max_pixels must be 1 to 2147483647"),
        ({"version": 2**63}, "version must be 1 to 9223372036854775807"),
    ):
        with pytest.raises(UserError, match=message):
            export_saved_model(small_generator, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_limit_below_the_size_of_the_check(tmp_path, small_generator):
    assert export_saved_model(small_generator, tmp_path, max_pixels=100, warm_up_sizes=[]) == tmp_path / "1"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), tf.errors.ResourceExhaustedError(None, None, "No space left")]
)
def test_a_full_disk_is_one_line(tmp_path, monkeypatch, small_generator, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(WorkError, match=r"cannot write the export to '.*out': No space left") as raised:
        export_saved_model(small_generator, tmp_path / "out")
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "out").iterdir())
