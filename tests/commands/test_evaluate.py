import json
import pathlib
import re
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from srgan_tf.data.synthetic import draw_picture
from srgan_tf.images.resize import imresize
from srgan_tf.metrics.fidelity import psnr_y
from srgan_tf.networks.generators import compact, continuous, idm
from srgan_tf.networks.idm import LAYER


@pytest.fixture
def model(tmp_path):
    keras.utils.set_random_seed(0)
    file = tmp_path / "any.keras"
    continuous(num_blocks=1, num_filters=8).save(file)
    return file


@pytest.fixture
def pairs(tmp_path):
    """A folder with an HR picture of 61x80 pixels and its LR of factor 4."""
    folder = tmp_path / "pairs"
    picture = draw_picture(0, 61, 80)
    for name, image in (("HR", picture), ("LR", imresize(picture[:60], 15, 20))):
        (folder / name).mkdir(parents=True)
        Image.fromarray(image).save(folder / name / "a.png")
    return folder


def test_several_factors_with_bicubic_beside_them(run_script, tmp_path, model, pairs):
    output = tmp_path / "out"
    code, out, error = run_script(
        *("evaluate", "--model", model, "--data", pairs, "--output", output),
        *("--scale", 4, "--scale", 2.7, "--report-pictures", 1),
    )
    assert code == 0, error
    assert out.count("LR made from HR by MATLAB-like bicubic") == 1  # at 2.7; the given LR is of factor 4
    for scale, lr_size, hr_size in ((4, (15, 20), (60, 80)), (2.7, (22, 29), (59, 78))):
        folder = output / f"x{scale:g}"
        hr = draw_picture(0, 61, 80)[: hr_size[0], : hr_size[1]]
        lr = imresize(hr, *lr_size)
        border = int(np.ceil(scale))
        inner = slice(border, -border)
        for name in ("bicubic", "any"):
            metrics = json.loads((folder / name / "metrics.json").read_text())
            assert metrics["scale"] == scale
            (row,) = metrics["datasets"]["pairs"]["images"]
            sr = np.asarray(Image.open(folder / name / "pairs" / "sr" / "a.png"))
            assert sr.shape == (*hr_size, 3)
            assert row["psnr_y"] == pytest.approx(float(psnr_y(hr[inner, inner], sr[inner, inner])))
            if name == "bicubic":
                np.testing.assert_array_equal(sr, imresize(lr, *hr_size))
    table = (output / "table.md").read_text()
    assert re.findall(r"^x[\d.]+;", table, re.MULTILINE) == ["x4;", "x2.7;"]


def test_the_table_of_several_factors_replaces_no_file_of_the_user(run_script, tmp_path, pairs):
    output = tmp_path / "out"
    command = ("evaluate", "--model", "bicubic", "--data", pairs, "--output", output, "--scale", 2, "--scale", 4)
    for make in (lambda path: path.write_text("mine"), pathlib.Path.mkdir):
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()
        make(output / "table.md")
        code, _, error = run_script(*command)
        assert code == 2
        assert "table.md', which no earlier run wrote" in error
        assert [path.name for path in output.iterdir()] == ["table.md"]
    shutil.rmtree(output)
    assert [run_script(*command)[0] for _ in range(2)] == [0, 0]


def test_factors_that_cannot_be_scored(run_script, tmp_path, pairs):
    file = tmp_path / "four.keras"
    compact(num_blocks=1, num_filters=8).save(file)
    evaluate = ("evaluate", "--model", file, "--data", pairs, "--output", tmp_path / "out")
    for scales, message in (
        (["2.7"], "enlarges by 4, not by 2.7"),
        (["0.5"], "expected a factor from 1 to 64 (received '0.5')"),
        (["2", "2.0"], "given twice: 2"),
    ):
        code, _, error = run_script(*evaluate, *(word for scale in scales for word in ("--scale", scale)))
        assert code == 2
        assert message in error


@pytest.mark.slow
def test_several_seeds_of_a_diffusion_network(run_script, tmp_path, pairs):
    keras.utils.set_random_seed(0)
    generator = idm(num_blocks=1, num_filters=4, basis=2, hidden=4, widths=(4, 6), decoder_hidden=4)
    tail = generator.get_layer(LAYER).tail
    tail.kernel.assign(keras.random.normal(tail.kernel.shape, stddev=0.3, seed=0))
    generator.save(tmp_path / "noisy.keras")
    output = tmp_path / "out"
    model = ("--model", tmp_path / "noisy.keras", "--model", "bicubic")
    seeds = ("--steps", 2, "--seed", 1, "--seed", 7)
    code, out, _ = run_script("evaluate", *model, "--data", pairs, "--output", output, *seeds)
    assert code == 0
    assert "noisy-seed7: diffusion, 2 steps, seed 7" in out
    results = [json.loads((output / f"noisy-seed{seed}" / "metrics.json").read_text()) for seed in (1, 7)]
    assert [result["sampling"] for result in results] == [{"steps": 2, "seed": seed} for seed in (1, 7)]
    scores = [result["datasets"]["pairs"]["mean"]["psnr_y"] for result in results]
    assert scores[0] != scores[1]
    assert f"psnr_y: {np.mean(scores):.2f}, {min(scores):.2f}, {max(scores):.2f}" in out
    assert "sampling" not in json.loads((output / "bicubic" / "metrics.json").read_text())
    code, _, error = run_script("upscale", pairs / "LR", "--model", "bicubic", "--output", tmp_path, "--seed", 1)
    assert code == 2
    assert "--seed is for diffusion networks, and 'bicubic' is none (received 1)" in error
