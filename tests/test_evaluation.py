import json

import numpy as np
import pytest

from srgan_tf import evaluation, report
from srgan_tf.data.pairs import Pair, make_pair
from srgan_tf.data.pictures import read_picture
from srgan_tf.data.sources import Source, open_source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference import BicubicUpscaler


class Constant:
    """Answers every picture with one grey level."""

    name = "constant"
    scale = 4

    def upscale(self, lr):
        return np.full((4 * lr.shape[0], 4 * lr.shape[1], 3), 100, np.uint8)


def flat_pair(name, level, size=32):
    return Pair(name, np.zeros((size // 4, size // 4, 3), np.uint8), np.full((size, size, 3), level, np.uint8))


def test_means_are_over_pictures_not_over_pixels():
    pairs = [flat_pair("small", 110, 32), flat_pair("large", 200, 64)]
    scored = list(evaluation.evaluate(Constant(), pairs))
    values = [row.scores["psnr_rgb"] for row in scored]
    assert values == pytest.approx([20 * np.log10(255 / 10), 20 * np.log10(255 / 100)])
    assert evaluation.mean_scores(row.scores for row in scored)["psnr_rgb"] == pytest.approx(np.mean(values))


def test_the_border_does_not_count():
    hr = np.full((32, 32, 3), 100, np.uint8)
    hr[:4], hr[-4:], hr[:, :4], hr[:, -4:] = 0, 0, 0, 0
    scores = evaluation.score(hr, np.full_like(hr, 101), border=4)
    assert scores["psnr_rgb"] == pytest.approx(20 * np.log10(255))


def test_pictures_that_cannot_be_scored_are_named():
    with pytest.raises(WorkError, match="cannot score 'little'"):
        list(evaluation.evaluate(Constant(), [flat_pair("little", 0, 16)]))
    with pytest.raises(ValueError, match="one shape"):
        evaluation.score(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8), border=0)


def test_pictures_are_taken_one_by_one():
    taken = []

    def pairs():
        for name in "abc":
            taken.append(name)
            yield flat_pair(name, 90)

    next(evaluation.evaluate(Constant(), pairs()))
    assert taken == ["a"]


def test_files_of_an_evaluation(tmp_path):
    pairs = [make_pair("deep/a", draw_picture(1, 50, 62), 4), make_pair("b", draw_picture(2, 48, 48), 4)]
    source = Source("mine", [lambda pair=pair: pair for pair in pairs])
    seen = []
    result = report.evaluate_sources(
        BicubicUpscaler(4), [source], tmp_path / "out", lambda source, name, scores: seen.append((source.name, name))
    )
    assert result == json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert seen == [("mine", "deep/a"), ("mine", "b")]
    assert result["model"] == "bicubic"
    assert result["scale"] == 4
    assert "border of 4" in result["protocol"]
    images = result["datasets"]["mine"]["images"]
    assert [image["name"] for image in images] == ["deep/a", "b"]
    for metric, mean in result["datasets"]["mine"]["mean"].items():
        assert mean == pytest.approx(np.mean([image[metric] for image in images]))
    np.testing.assert_array_equal(
        read_picture(tmp_path / "out" / "mine" / "sr" / "b.png"), BicubicUpscaler(4).upscale(pairs[1].lr)
    )
    assert (tmp_path / "out" / "mine" / "comparison" / "deep" / "a.png").is_file()


def test_a_failed_evaluation_leaves_the_last_one_as_it_was(tmp_path):
    good = make_pair("good", draw_picture(1, 48, 48), 4)

    def fail():
        raise WorkError("damaged")

    report.evaluate_sources(BicubicUpscaler(4), [Source("mine", [lambda: good])], tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    with pytest.raises(WorkError, match="damaged"):
        report.evaluate_sources(Constant(), [Source("mine", [lambda: good, fail])], tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["metrics.json", "mine"]


def test_an_infinite_score_is_null_in_json(tmp_path):
    report.evaluate_sources(Constant(), [Source("mine", [lambda: flat_pair("equal", 100)])], tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert metrics["datasets"]["mine"]["mean"]["psnr_y"] is None
    assert metrics["datasets"]["mine"]["mean"]["ssim_y"] == pytest.approx(1.0)


def test_two_data_sets_of_one_name_are_refused(tmp_path):
    source = Source("mine", [])
    with pytest.raises(UserError, match="same name: mine, mine"):
        report.evaluate_sources(BicubicUpscaler(4), [source, source], tmp_path)


@pytest.mark.parametrize(("dataset", "psnr_y"), [("Set5", 28.43), ("Set14", 26.09), ("BSD100", 25.96)])
def test_bicubic_gives_the_published_figures(real_data, dataset, psnr_y):
    source = open_source(str(real_data / "benchmark" / dataset), split="valid", scale=4)
    mean = evaluation.mean_scores(scored.scores for scored in evaluation.evaluate(BicubicUpscaler(4), source))
    assert mean["psnr_y"] == pytest.approx(psnr_y, abs=0.01)
