"""What users get wrong: one line, the right exit code, nothing half-written."""

import json
import os
import pathlib
import shutil

import keras
import numpy as np
import pytest
from PIL import Image
from support.samples import FAST

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.weights import shipped


def one_line(error):
    return len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "srgan_4"], "unknown preset 'srgan_4'; the nearest is 'srgan_x4'"),
        (["--preset", "tiny", "--set", "gan.stepz=3"], "the nearest is 'gan.steps'"),
        (["--preset", "tiny", "--set", "gan.steps=three"], "gan.steps: input should be a valid integer"),
        (["--preset", "tiny", "--set", "data.batch_size=0"], "data.batch_size: input should be greater than 0"),
        (["--preset", "tiny", "--precision", "half"], "argument --precision: invalid choice: 'half'"),
        (["--preset", "tiny", "--stpes", "3"], "unrecognized arguments: --stpes 3"),
        (["--preset", "tiny", "--data", "missing"], "no data 'missing'"),
        (["--preset", "tiny", "--set", "data.hr_patch_size=40"], "`hr_patch_size` must be a multiple of 16"),
        (
            ["--preset", "tiny", "--set", "generator.output_activation=tanh"],
            "generator: `bilinear_skip` needs a linear",
        ),
        (["--preset", "srgan_x4", "--set", "gan.perceptual.weights=missing.h5"], "no VGG19 weights at 'missing.h5'"),
        (
            [
                "--preset",
                "tiny",
                "--set",
                "gan.pixel_weight=0",
                "--set",
                "gan.adversarial_weight=0",
                "--set",
                "gan.total_variation_weight=0",
            ],
            "every weight of the gan phase is 0",
        ),
        (["--preset", "srgan_x4", "--set", 'gan.perceptual.layers={"block9": 1}'], "VGG19 has no convolution 'block9'"),
    ],
)
def test_train_refuses(run_script, tmp_path, arguments, message):
    code, _, error = run_script("train", *arguments, "--workdir", tmp_path / "run")
    assert code == 2
    assert message in error
    assert one_line(error)
    assert not (tmp_path / "run").exists()


def fast_without_data():
    start = FAST.index("--data")
    return [*FAST[:start], *FAST[start + 2 :]]


def test_train_refuses_an_empty_folder(run_script, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, error = run_script(
        "train", *fast_without_data(), "--data", tmp_path / "empty", "--workdir", tmp_path / "run"
    )
    assert (code, one_line(error)) == (2, True)
    assert "no picture in" in error
    assert not (tmp_path / "run").exists()


def test_train_refuses_pictures_smaller_than_the_patch(run_script, tmp_path, picture_folder):
    code, _, error = run_script(
        "train",
        *fast_without_data(),
        *("--data", picture_folder, "--workdir", tmp_path / "run", "--set", "data.hr_patch_size=128"),
    )
    assert (code, one_line(error)) == (2, True)
    assert "has a side shorter than 128 pixels" in error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("damage", [b"no picture", None])
def test_train_names_a_damaged_picture(run_script, tmp_path, picture_folder, damage):
    file = picture_folder / "07.png"
    file.write_bytes(damage or file.read_bytes()[:2000])
    code, _, error = run_script("train", *fast_without_data(), "--data", picture_folder, "--workdir", tmp_path / "run")
    assert (code, one_line(error)) == (1, True)
    assert "07.png" in error
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_train_accepts_every_image_mode_and_odd_sizes(run_script, tmp_path, picture_folder, caplog):
    for index, mode in enumerate(("L", "P", "RGBA", "CMYK")):
        picture = Image.fromarray(draw_picture(index, 61, 47)).convert(mode)
        picture.save(picture_folder / f"mode-{mode}.{'jpg' if mode == 'CMYK' else 'png'}")
    Image.fromarray(draw_picture(0, 9, 9)).save(picture_folder / "small.png")
    Image.fromarray(draw_picture(0, 48, 48)).save(picture_folder / "not UTF-8 \udce9.png")
    code, _, error = run_script("train", *fast_without_data(), "--data", picture_folder, "--workdir", tmp_path / "run")
    assert code == 0, error
    assert "left out 1 of 17 pictures, smaller than 32 pixels" in caplog.text
    assert (tmp_path / "run" / "generator.keras").is_file()


def test_train_refuses_another_runs_folder(run_script, trained_run):
    code, _, error = run_script("train", *FAST, "--set", "seed=4", "--workdir", trained_run)
    assert (code, one_line(error)) == (2, True)
    assert "seed was 0, is 4" in error


@pytest.fixture
def pair_folder(tmp_path):
    for kind, size in (("HR", 48), ("LR", 12)):
        (tmp_path / "pairs" / kind).mkdir(parents=True)
        for name in "ab":
            Image.fromarray(draw_picture(1, size, size)).save(tmp_path / "pairs" / kind / f"{name}.png")
    return tmp_path / "pairs"


def test_evaluate_refuses_pairs_without_a_partner(run_script, tmp_path, pair_folder):
    (pair_folder / "LR" / "b.png").rename(pair_folder / "LR" / "c.png")
    arguments = ("--model", "bicubic", "--data", pair_folder, "--output", tmp_path / "out")
    code, _, error = run_script("evaluate", *arguments)
    assert (code, one_line(error)) == (2, True)
    assert "no LR of the same name, first 'b'" in error
    (pair_folder / "HR" / "c.png").write_bytes((pair_folder / "HR" / "b.png").read_bytes())
    (pair_folder / "HR" / "b.png").unlink()
    (pair_folder / "HR" / "a.png").unlink()
    code, _, error = run_script("evaluate", *arguments)
    assert (code, one_line(error)) == (2, True)
    assert "no HR of the same name, first 'a'" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_evaluate_reports_invalid_pairs_and_scores_the_others(run_script, tmp_path, pair_folder):
    """A hundred pairs: one LR unreadable, one of the wrong size, one smaller than its border, one HR grayscale."""
    picture = draw_picture(1, 48, 48)
    for index in range(98):
        for kind, size in (("HR", 48), ("LR", 12)):
            Image.fromarray(picture[:size, :size]).save(pair_folder / kind / f"{index:02d}.png")
    (pair_folder / "LR" / "07.png").write_bytes(b"no picture")
    Image.fromarray(draw_picture(1, 13, 12)).save(pair_folder / "LR" / "b.png")
    for kind, size in (("HR", 8), ("LR", 2)):
        Image.fromarray(picture[:size, :size]).save(pair_folder / kind / "30.png")
    Image.fromarray(picture).convert("L").save(pair_folder / "HR" / "31.png")
    output = tmp_path / "out"
    code, lines, error = run_script(
        "evaluate", "--model", "bicubic", "--data", pair_folder, "--output", output, "--report-pictures", "3"
    )
    assert (code, one_line(error)) == (1, True)
    assert "3 of 100 images failed; the first" in error
    dataset = json.loads((output / "metrics.json").read_text())["datasets"]["pairs"]
    assert len(dataset["images"]) == len(list((output / "pairs" / "sr").iterdir())) == 97
    for reason in dataset["failed"]:
        assert f"left out: {reason}" in lines
    unreadable, little, wrong = dataset["failed"]
    assert "07.png': not an image file" in unreadable
    assert "cannot score '30': `border` must leave pixels of a 8x8 image" in little
    assert "b.png' is 12x13, which is not 1/4 of the 48x48" in wrong
    assert (output / "report.html").read_text().count('<figure class="viewer"') == 3


def test_evaluate_with_nothing_to_score(run_script, tmp_path, pair_folder):
    (tmp_path / "empty").mkdir()
    arguments = ("--model", "bicubic", "--output", tmp_path / "out")
    code, _, error = run_script("evaluate", *arguments, "--data", tmp_path / "empty")
    assert (code, one_line(error)) == (2, True)
    assert "no picture in" in error
    for path in (pair_folder / "HR").iterdir():
        path.write_text("no picture")
    code, _, error = run_script("evaluate", *arguments, "--data", pair_folder)
    assert (code, one_line(error)) == (1, True)
    assert "no picture of 'pairs' could be scored; the first: cannot read" in error
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --model or --interpolate"),
        (["--model", "bicubic", "--metric", "fid"], "no metric 'fid'"),
        (["--model", "bicubic", "--protocol", "y"], "argument --protocol: invalid choice: 'y'"),
        (["--model", "bicubic", "--model", "bicubic"], "two models have the same name"),
        (["--model", "bicubic", "--ensemble"], "--ensemble needs a network"),
        (["--model", "bicubic", "--report-pictures", "-1"], "expected 0 or more (received -1)"),
        (["--interpolate", "missing", "missing"], "no model 'missing'"),
        (["--model", "small=missing"], "no model 'missing'"),
    ],
)
def test_evaluate_refuses(run_script, tmp_path, arguments, message):
    code, _, error = run_script("evaluate", *arguments, "--data", "synthetic", "--output", tmp_path / "out")
    assert (code, one_line(error)) == (2, True)
    assert message in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("model", ["missing", "text.keras", "empty", "unbuilt.keras"])
@pytest.mark.parametrize("script", ["evaluate", "upscale", "export"])
def test_invalid_models_are_refused(run_script, tmp_path, monkeypatch, picture_folder, script, model):
    monkeypatch.chdir(tmp_path)
    pathlib.Path("text.keras").write_text("no model")
    pathlib.Path("empty").mkdir()
    with pytest.warns(UserWarning, match="not yet been built"):
        keras.Sequential([keras.layers.Conv2D(3, 3)]).save("unbuilt.keras")
    inputs = {"evaluate": ["--data", "synthetic"], "upscale": [picture_folder], "export": []}[script]
    code, _, error = run_script(script, *inputs, "--model", model, "--output", "out")
    assert (code, one_line(error)) == (2, True)
    assert model in error
    assert not pathlib.Path("out").exists()


def test_unwritable_outputs_are_refused(run_script, tmp_path, trained_run, picture_folder):
    (tmp_path / "file").write_text("")
    output = tmp_path / "file" / "out"
    for script, *arguments in (
        ("evaluate", "--model", "bicubic", "--data", "synthetic"),
        ("upscale", picture_folder, "--model", "bicubic"),
        ("export", "--model", trained_run),
    ):
        code, _, error = run_script(script, *arguments, "--output", output)
        assert (code, one_line(error)) == (2, True), script
        assert "cannot write to the output folder" in error
    code, _, error = run_script("train", *FAST, "--workdir", output)
    assert (code, one_line(error)) == (2, True)
    assert "cannot write to the workdir" in error


def test_upscale_continues_after_an_invalid_picture(run_script, tmp_path, picture_folder):
    (picture_folder / "05.png").write_text("no picture")
    (picture_folder / "06.png").write_bytes((picture_folder / "06.png").read_bytes()[:2000])
    (tmp_path / "out" / "07.png").mkdir(parents=True)  # in the way of a result
    for index, mode in enumerate(("L", "P", "RGBA", "CMYK")):
        picture = Image.fromarray(draw_picture(index, 61, 47)).convert(mode)
        picture.save(picture_folder / f"mode-{mode}.{'jpg' if mode == 'CMYK' else 'png'}")
    code, output, error = run_script("upscale", picture_folder, "--model", "bicubic", "--output", tmp_path / "out")
    assert (code, one_line(error)) == (1, True)
    assert "3 of 16 pictures failed" in error
    assert all(name in output for name in ("05.png", "06.png", "07.png"))
    written = sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_file())
    assert len(written) == 13
    assert not {"05.png", "06.png"} & set(written)
    with Image.open(tmp_path / "out" / "mode-CMYK.png") as picture:
        assert picture.size == (4 * 47, 4 * 61)


def test_upscale_never_replaces_its_input(run_script, picture_folder):
    before = {path: path.read_bytes() for path in picture_folder.iterdir()}
    code, _, error = run_script("upscale", picture_folder, "--model", "bicubic", "--output", picture_folder)
    assert (code, one_line(error)) == (2, True)
    assert "would replace the input" in error
    assert {path: path.read_bytes() for path in picture_folder.iterdir()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_without_write_permission_is_refused(run_script, tmp_path, picture_folder):
    tmp_path.chmod(0o500)
    code, _, error = run_script("upscale", picture_folder, "--model", "bicubic", "--output", tmp_path / "out")
    assert (code, one_line(error)) == (2, True)
    assert "cannot write to the output folder" in error


def test_bicubic_at_another_scale(run_script, tmp_path, picture_folder):
    code, _, error = run_script(
        "upscale", picture_folder / "00.png", "--model", "bicubic", "--scale", "2", "--output", tmp_path / "out"
    )
    assert code == 0, error
    with Image.open(tmp_path / "out" / "00.png") as picture:
        assert np.asarray(picture).shape == (144, 160, 3)


def test_evaluate_does_not_delete_its_inputs(run_script, tmp_path):
    """Results go to OUTPUT/DATASET: a folder of pictures, or of a run, of that name must stay."""
    pictures = tmp_path / "bench" / "Set"
    pictures.mkdir(parents=True)
    Image.fromarray(draw_picture(0, 48, 48)).save(pictures / "a.png")
    for output in (tmp_path / "bench", pictures, pictures / "results"):
        code, _, error = run_script("evaluate", "--model", "bicubic", "--data", pictures, "--output", output)
        assert code == 2
        assert "overlaps the input" in error
        assert one_line(error)
        assert [path.name for path in pictures.iterdir()] == ["a.png"]


def test_evaluate_does_not_delete_the_runs_it_compares(run_script, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    Image.fromarray(draw_picture(0, 48, 48)).save(data / "a.png")
    for name in ("a", "b"):
        (tmp_path / "runs" / name / "checkpoints").mkdir(parents=True)
        shutil.copy(shipped.find("compact_x4"), tmp_path / "runs" / name / "generator.keras")
    models = [argument for name in ("a", "b") for argument in ("--model", tmp_path / "runs" / name)]
    code, _, error = run_script("evaluate", *models, "--data", data, "--output", tmp_path / "runs")
    assert code == 2
    assert "overlaps the input" in error
    for name in ("a", "b"):
        assert sorted(path.name for path in (tmp_path / "runs" / name).iterdir()) == ["checkpoints", "generator.keras"]


LONG = "q" * 300


@pytest.mark.parametrize(
    ("script", "arguments"),
    [
        ("upscale", ["a.png", "--model", LONG, "--output", "out"]),
        ("upscale", [f"{LONG}.png", "--model", "bicubic", "--output", "out"]),
        ("upscale", ["a.png", "--model", "bicubic", "--output", LONG]),
        ("evaluate", ["--model", LONG, "--data", "synthetic", "--output", "out"]),
        ("evaluate", ["--model", "bicubic", "--data", LONG, "--output", "out"]),
        ("export", ["--model", LONG, "--output", "out"]),
        ("train", ["--preset", "tiny", "--data", LONG, "--workdir", "out"]),
        ("train", ["--preset", "tiny", "--data", "synthetic", "--workdir", LONG]),
        ("export", ["--model", "compact_x4", "--output", "out", "--max-pixels", str(10**20)]),
        ("export", ["--model", "compact_x4", "--output", "out", "--version", str(2**63)]),
        ("train", ["--preset", "tiny", "--data", "synthetic", "--set", f"pretrain.steps={10**20 - 1}"]),
        ("client", ["a.png", "--server", "http://[::1", "--model", "m", "--output", "out"]),
        ("upscale", ["a.png", "--model", "bicubic", "--output", "a/" * 2100]),
        ("evaluate", ["--model", "bicubic", "--data", "", "--output", "out"]),
        ("train", ["--preset", "tiny", "--data", "", "--workdir", "out"]),
        ("train", ["--preset", "tiny", "--data", "synthetic", "--valid", "", "--workdir", "out"]),
        ("export", ["--model", "compact_x4", "--output", "", "--format", "onnx"]),
        ("export", ["--model", "compact_x4", "--output", ".", "--format", "litert"]),
        ("export", ["--model", "compact_x4", "--output", "m\udce9"]),
        ("train", ["--preset", "tiny", "--data", "synthetic", "--workdir", "r\udce9"]),
    ],
)
def test_paths_and_numbers_that_cannot_be_used(run_script, tmp_path, monkeypatch, script, arguments):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(draw_picture(0, 16, 16)).save("a.png")
    code, _, error = run_script(script, *arguments)
    assert (code, one_line(error)) == (2, True), error
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
