"""The generators that come with the package: whole, described, found by name, and still the ones that were scored."""

import shutil

import numpy as np
import pytest
from PIL import Image

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.pixels import shave
from srgan_tf.images.resize import imresize
from srgan_tf.inference import loading
from srgan_tf.metrics.fidelity import psnr_y
from srgan_tf.networks.interpolation import structural_difference
from srgan_tf.networks.saved import load_generator
from srgan_tf.runs import GENERATOR_FILE
from srgan_tf.weights import shipped

# dB of luma, mean over three drawn pictures; a change of code that shifts a model unnoticed would show here.
PSNR_ON_DRAWINGS = {
    "compact_x4": 25.540,
    "continuous_x4": 25.323,
    "idm_tiny": 25.183,
    "srresnet_lite_x4": 25.675,
    "photo_x4": 23.321,
    "photo_faithful_x4": 24.810,
    "srgan_lite_x4": 23.775,
}


@pytest.fixture
def copies(tmp_path, monkeypatch):
    """The shipped folder as a copy that a test may damage."""
    folder = tmp_path / "weights"
    shutil.copytree(shipped.FOLDER, folder)
    monkeypatch.setattr(shipped, "FOLDER", folder)
    return folder


def test_the_shipped_models_are_listed():
    assert set(shipped.names()) == set(PSNR_ON_DRAWINGS)
    assert shipped.DEFAULT in shipped.names()
    assert {file.stem for file in shipped.FOLDER.glob("*.keras")} == set(shipped.names())


@pytest.mark.parametrize("name", shipped.names())
def test_a_card_has_all_that_users_need(name):
    card = shipped.read_card(name)
    assert shipped.find(name).stat().st_size == card["bytes"] <= 8e6
    assert card["name"] == name
    assert load_generator(name).count_params() == card["parameters"]
    for key in ("summary", "preset", "license", "data", "command", "hardware", "date", "git_commit", "versions"):
        assert card[key], key
    assert card["hours"] > 0
    assert card["steps"]
    for dataset in ("Set5", "Set14"):
        assert card["scores"][dataset].keys() >= {"psnr_y", "ssim_y", "stlpips", "niqe"}
    assert "mean over " in card["scores"]["protocol"]
    assert card["config"]["preset"] == card["preset"]


@pytest.mark.parametrize("name", shipped.names())
def test_a_name_upscales_as_it_did_when_it_was_scored(name):
    upscaler = loading.load_upscaler(name)
    assert upscaler.name == name
    scores = []
    for seed in range(3):
        hr = draw_picture([9, seed], 96, 128)
        sr = upscaler.upscale(imresize(hr, 24, 32))
        scores.append(float(psnr_y(shave(hr, 4), shave(sr, 4))))
    assert np.mean(scores) == pytest.approx(PSNR_ON_DRAWINGS[name], abs=0.01)


@pytest.mark.parametrize("name", shipped.names())
def test_a_name_upscales_in_bfloat16(name):
    lr = imresize(draw_picture([9, 0], 96, 128), 24, 32)
    exact, rounded = (loading.load_upscaler(name, precision=each).upscale(lr) for each in ("float32", "bfloat16"))
    assert np.abs(exact.astype(int) - rounded).mean() < 0.5


def test_a_damaged_weights_file_is_refused(copies):
    file = copies / "compact_x4.keras"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(WorkError, match="is damaged"):
        loading.load_upscaler("compact_x4")
    file.unlink()
    with pytest.raises(WorkError, match="cannot read the weights of 'compact_x4'"):
        load_generator("compact_x4")


def test_an_unknown_name_lists_the_known_ones():
    known = ", ".join(map(repr, sorted(PSNR_ON_DRAWINGS)))
    with pytest.raises(UserError, match=known):
        loading.load_upscaler("compact_x2")


def test_a_local_model_takes_precedence_over_a_shipped_one(tmp_path, monkeypatch, small_generator):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "compact_x4").mkdir()
    small_generator.save(tmp_path / "compact_x4" / GENERATOR_FILE)
    assert load_generator("compact_x4").count_params() == small_generator.count_params()


def test_upscaling_needs_no_model_and_says_which_it_takes(run_script, tmp_path):
    Image.fromarray(draw_picture(1, 17, 23)).save(tmp_path / "drawing.png")
    code, output, _ = run_script("upscale", tmp_path / "drawing.png", "--output", tmp_path / "out")
    assert code == 0
    assert shipped.DEFAULT in output.splitlines()[0]
    with Image.open(tmp_path / "out" / "drawing.png") as sr:
        assert sr.size == (92, 68)


@pytest.mark.parametrize("load", [loading.load_upscaler, loading.load_generator])
@pytest.mark.parametrize(
    ("old", "successor"),
    [
        ("srgan_x4", "srgan_lite_x4"),
        ("srgan_skip_x4", "srgan_lite_x4"),
        ("srresnet_x4", "srresnet_lite_x4"),
        ("srresnet_skip_x4", "srresnet_lite_x4"),
    ],
)
def test_the_error_for_a_model_of_an_earlier_version_names_its_successor(load, old, successor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"the model '{old}' was replaced by '{successor}'"):
        load(old)


@pytest.mark.slow
def test_strength_blends_networks_of_one_architecture():
    assert shipped.pairs() == {"photo_x4": "photo_faithful_x4", "srgan_lite_x4": "srresnet_lite_x4"}
    for sharp, faithful in shipped.pairs().items():
        assert structural_difference(load_generator(sharp), load_generator(faithful)) is None


@pytest.mark.parametrize("name", shipped.names())
def test_training_pictures_allow_commercial_use(name):
    card = shipped.read_card(name)
    assert "free for commercial use" in card["license"]
    assert "BSDS500, a set for research only, is not among them" in card["data"]
