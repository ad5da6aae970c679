"""`strength`: one number between the faithful and the sharp network of a pair, in the API and in the commands."""

import json

import keras
import numpy as np
import pytest
from PIL import Image
from support.samples import assert_same_picture

import srgan_tf
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError
from srgan_tf.files import sha256
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.networks.generators import compact
from srgan_tf.networks.saved import load_generator
from srgan_tf.weights import shipped


@pytest.fixture(autouse=True)
def pair(tmp_path, monkeypatch):
    """A folder of weights with a sharp model, its faithful counterpart and a model without one."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for seed, (name, faithful) in enumerate((("sharp", "soft"), ("soft", None), ("alone", None))):
        keras.utils.set_random_seed(seed)
        file = folder / f"{name}.keras"
        compact(num_blocks=1, num_filters=4).save(file)
        card = {"name": name, "preset": name, "sha256": sha256(file), "scores": {"Set5": {"psnr_y": 30.0}}}
        (folder / f"{name}.json").write_text(json.dumps(card | ({"faithful": faithful} if faithful else {})))
    monkeypatch.setattr(shipped, "FOLDER", folder)
    monkeypatch.setattr(shipped, "DEFAULT", "sharp")


@pytest.fixture
def picture(tmp_path):
    """A drawn picture, 23x17, and its file."""
    pixels = draw_picture(1, 17, 23)
    Image.fromarray(pixels).save(tmp_path / "drawing.png")
    return pixels, tmp_path / "drawing.png"


def test_the_card_of_the_sharp_model_names_its_counterpart():
    assert shipped.pairs() == {"sharp": "soft"}


def test_each_weight_lies_between_those_of_the_pair():
    blended = load_generator("sharp", strength=0.25)
    pairs = zip(load_generator("soft").get_weights(), load_generator("sharp").get_weights(), strict=True)
    for weight, (soft, sharp) in zip(blended.get_weights(), pairs, strict=True):
        np.testing.assert_allclose(weight, 0.75 * soft + 0.25 * sharp, atol=1e-7)


@pytest.mark.slow
def test_python_api(picture):
    pixels, _ = picture
    for strength, same_as in ((0, "soft"), (1, "sharp")):
        sr = srgan_tf.load("sharp", strength=strength).upscale(pixels)
        assert_same_picture(sr, srgan_tf.load(same_as).upscale(pixels))
    middle = srgan_tf.load(strength=0.5)
    assert (middle.name, middle.scale) == ("sharp@0.5", 4)
    with pytest.raises(UserError, match="enlarges by 4, not by 2"):
        srgan_tf.load("sharp", strength=0.5, scale=2)


@pytest.mark.parametrize("model", ["alone", "soft", "bicubic", "missing"])
def test_models_without_a_counterpart(model):
    with pytest.raises(UserError, match=f"the model '{model}' has no strength; models that have one: sharp "):
        load_upscaler(model, strength=0.5)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_range(strength):
    with pytest.raises(UserError, match=r"the strength must be between 0 and 1 \(received (-0.1|1.1|nan)\)"):
        load_upscaler("sharp", strength=strength)


def test_a_file_of_the_user_has_no_strength(tmp_path, monkeypatch, small_generator):
    monkeypatch.chdir(tmp_path)
    small_generator.save("mine.keras")
    small_generator.save(tmp_path / "generator.keras")
    (tmp_path / "sharp").mkdir()
    (tmp_path / "generator.keras").rename(tmp_path / "sharp" / "generator.keras")
    for model in ("mine.keras", "sharp"):
        with pytest.raises(UserError, match=f"'{model}' has no strength"):
            load_generator(model, strength=0.5)


def test_upscale(run_script, picture, tmp_path):
    pixels, file = picture
    code, output, _ = run_script("upscale", file, "--output", tmp_path / "out", "--strength", "0.5")
    assert code == 0
    assert "with sharp@0.5," in output
    with Image.open(tmp_path / "out" / "drawing.png") as sr:
        assert_same_picture(sr, srgan_tf.load("sharp", strength=0.5).upscale(pixels))
    for flags, message in (
        (["--model", "alone", "--strength", "0.5"], "'alone' has no strength; models that have one: sharp"),
        (["--strength", "2"], "between 0 and 1 (received 2)"),
        (["--strength", "0.5", "--interpolate", "soft", "--alpha", "1"], "cannot be given together"),
    ):
        code, _, error = run_script("upscale", file, "--output", tmp_path / "out", *flags)
        assert code == 2
        assert message in error


@pytest.mark.slow
def test_export(run_script, picture, tmp_path):
    pixels, _ = picture
    folder = tmp_path / "exported"
    code, output, _ = run_script("export", "--model", "sharp", "--strength", "0.5", "--output", folder)
    assert code == 0
    assert "exporting sharp@0.5 (" in output
    expected = srgan_tf.load("sharp", strength=0.5, precision="float32").upscale(pixels)
    assert_same_picture(load_upscaler(str(folder)).upscale(pixels), expected)
    card = (folder / "1" / "MODEL_CARD.md").read_text()
    assert "strength: 0.5 (weights interpolated; 0 is soft, 1 is sharp)" in card
    assert "Set5" not in card  # the scores of the sharp model
    code, _, error = run_script("export", "--model", "alone", "--strength", "0.5", "--output", folder)
    assert code == 2
    assert "'alone' has no strength" in error


@pytest.mark.slow
def test_an_export_of_strength_1_keeps_the_scores(run_script, tmp_path):
    code, _, _ = run_script("export", "--model", "sharp", "--strength", "1", "--output", tmp_path / "exported")
    assert code == 0
    assert "Set5: psnr_y 30" in (tmp_path / "exported" / "1" / "MODEL_CARD.md").read_text()
