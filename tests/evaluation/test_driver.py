import json

import numpy as np
import pytest
from support.samples import Shifted

from srgan_tf.data.pairs import Pair, make_pair
from srgan_tf.data.sources import Source
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.evaluation.driver import evaluate_sources
from srgan_tf.images.pictures import read_picture
from srgan_tf.inference import tiled
from srgan_tf.inference.upscalers import BicubicUpscaler
from srgan_tf.metrics.statistics import bootstrap_interval
from srgan_tf.replacing import MANIFEST_FILE


def source_of(name, *pairs):
    return Source(name, [lambda pair=pair: pair for pair in pairs])


def drawn(name, seed, height=48, width=48):
    return make_pair(name, draw_picture(seed, height, width), 4)


def files_of(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST_FILE)
    return sorted(str(path.relative_to(folder)) for path in files)


def test_files_of_one_model(tmp_path):
    pairs = [drawn("deep/a", 1, 50, 62), drawn("b", 2)]
    seen = []
    (result,) = evaluate_sources(
        [BicubicUpscaler(4)],
        [source_of("mine", *pairs)],
        tmp_path / "out",
        on_picture=lambda dataset, picture, scores: seen.append((dataset, picture, list(scores))),
    )
    assert result == json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert seen == [("mine", "deep/a", ["bicubic"]), ("mine", "b", ["bicubic"])]
    assert result["model"] == "bicubic"
    assert result["scale"] == 4
    assert "without 4 border pixels" in result["protocol"]
    images = result["datasets"]["mine"]["images"]
    assert [image["name"] for image in images] == ["deep/a", "b"]
    for metric, mean in result["datasets"]["mine"]["mean"].items():
        values = [image[metric] for image in images]
        assert mean == pytest.approx(np.mean(values))
        assert result["datasets"]["mine"]["interval"][metric] == bootstrap_interval(values)
    assert result["datasets"]["mine"]["megapixels_per_second"] > 0
    assert 0.1 < result["peak_memory_gib"] < 100
    np.testing.assert_array_equal(
        read_picture(tmp_path / "out" / "mine" / "sr" / "b.png"), BicubicUpscaler(4).upscale(pairs[1].lr)
    )
    assert files_of(tmp_path / "out") == [
        "metrics.json",
        "mine/comparison/b.png",
        "mine/comparison/deep/a.png",
        "mine/sr/b.png",
        "mine/sr/deep/a.png",
        "report.html",
        "scores.csv",
        "table.md",
    ]


def test_files_of_several_models_and_their_differences(tmp_path):
    source = source_of("mine", drawn("a", 1), drawn("b", 2))
    dark, bright = evaluate_sources([Shifted("dark", -5), Shifted("bright", 10)], [source], tmp_path)
    assert [json.loads((tmp_path / model / "metrics.json").read_text()) for model in ("dark", "bright")] == [
        dark,
        bright,
    ]
    assert files_of(tmp_path) == [
        "bright/metrics.json",
        "bright/mine/sr/a.png",
        "bright/mine/sr/b.png",
        "comparison.json",
        "dark/metrics.json",
        "dark/mine/sr/a.png",
        "dark/mine/sr/b.png",
        "mine/comparison/a.png",
        "mine/comparison/b.png",
        "report.html",
        "scores.csv",
        "table.md",
    ]
    (row,) = json.loads((tmp_path / "comparison.json").read_text())["differences"]
    assert (row["dataset"], row["model"], row["baseline"]) == ("mine", "bright", "dark")
    paired = [
        second["psnr_y"] - first["psnr_y"]
        for first, second in zip(dark["datasets"]["mine"]["images"], bright["datasets"]["mine"]["images"], strict=True)
    ]
    assert row["difference"]["psnr_y"] == pytest.approx(np.mean(paired))
    assert row["interval"]["psnr_y"] == pytest.approx(bootstrap_interval(paired))


def test_failed_pictures_are_reported_and_the_others_scored(tmp_path):
    def fail():
        raise WorkError("damaged")

    little = Pair("little", np.zeros((4, 4, 3), np.uint8), np.zeros((16, 16, 3), np.uint8))
    pairs = [drawn("a", 1), little, drawn("b", 2)]
    source = Source("mine", [fail, *(lambda pair=pair: pair for pair in pairs)])
    reasons = []
    first, second = evaluate_sources(
        [BicubicUpscaler(4), Shifted("dark", -5)], [source], tmp_path, on_failure=reasons.append
    )
    assert reasons == first["datasets"]["mine"]["failed"] == second["datasets"]["mine"]["failed"]
    assert reasons[0] == "damaged"
    assert "cannot score 'little'" in reasons[1]
    assert [image["name"] for image in first["datasets"]["mine"]["images"]] == ["a", "b"]
    assert "damaged" in (tmp_path / "report.html").read_text()


def test_a_failed_evaluation_keeps_the_earlier_results(tmp_path):
    def fail():
        raise WorkError("damaged")

    evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("good", 1))], tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    with pytest.raises(WorkError, match="no picture of 'mine' could be scored; the first: damaged"):
        evaluate_sources([Shifted("dark", -5)], [Source("mine", [fail])], tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        MANIFEST_FILE,
        "metrics.json",
        "mine",
        "report.html",
        "scores.csv",
        "table.md",
    ]


def test_an_infinite_score_is_null_in_json(tmp_path):
    pair = drawn("equal", 1)
    pair = pair._replace(hr=BicubicUpscaler(4).upscale(pair.lr))
    evaluate_sources([BicubicUpscaler(4), Shifted("dark", -5)], [source_of("mine", pair, drawn("other", 2))], tmp_path)
    metrics = json.loads((tmp_path / "bicubic" / "metrics.json").read_text(), parse_constant=pytest.fail)
    dataset = metrics["datasets"]["mine"]
    assert dataset["images"][0]["psnr_y"] is dataset["mean"]["psnr_y"] is dataset["interval"]["psnr_y"] is None
    assert dataset["images"][0]["ssim_y"] == pytest.approx(1.0)
    assert "∞" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    ("models", "datasets", "message"),
    [
        (["a"], ["mine", "mine"], "two data sets have the same name: mine, mine"),
        (["a", "a"], ["mine"], "two models have the same name: a, a"),
        (["mine"], ["mine"], "a model and a data set have the same name: mine"),
        (["../a"], ["mine"], r"names of models are used as folder names, and '../a' is not a valid one"),
        ([".."], ["mine"], r"names of models are used as folder names, and '..' is not a valid one"),
        (["a"], [""], r"names of data sets are used as folder names, and '' is not a valid one"),
        (["a"], ["."], r"names of data sets are used as folder names, and '.' is not a valid one"),
    ],
)
def test_duplicate_model_names_are_refused(tmp_path, models, datasets, message):
    with pytest.raises(UserError, match=message):
        evaluate_sources(
            [Shifted(name, 0) for name in models], [source_of(name) for name in datasets], tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_models_of_different_scales_are_refused(tmp_path):
    with pytest.raises(UserError, match="different factors"):
        evaluate_sources([BicubicUpscaler(2), Shifted("a", 0)], [], tmp_path)


def test_strips_of_a_single_model_show_the_baseline(tmp_path):
    pair = drawn("a", 1)
    evaluate_sources([Shifted("dark", -20)], [source_of("mine", pair)], tmp_path)
    strip = read_picture(tmp_path / "mine" / "comparison" / "a.png")
    windows = np.lib.stride_tricks.sliding_window_view(strip, (48, 48, 3))[..., 0, :, :, :]
    # The frames of two insets cover a part of each picture.
    for picture in (BicubicUpscaler(4).upscale(pair.lr), Shifted("dark", -20).upscale(pair.lr), pair.hr):
        assert (windows == picture).mean(axis=(2, 3, 4)).max() > 0.85


def test_a_second_evaluation_replaces_the_first(tmp_path):
    for name in ("first", "second"):
        evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn(name, 1))], tmp_path)
    assert [path.name for path in (tmp_path / "mine" / "sr").iterdir()] == ["second.png"]


def test_folders_of_the_user_are_not_replaced(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    with pytest.raises(UserError, match=r"it contains 'notes.txt', which no earlier run wrote"):
        evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path)
    (tmp_path / "dark").mkdir()
    (tmp_path / "dark" / "generator.keras").write_text("weights")
    with pytest.raises(UserError, match=r"it contains 'generator.keras', which no earlier run wrote"):
        evaluate_sources([BicubicUpscaler(4), Shifted("dark", 1)], [source_of("other", drawn("a", 1))], tmp_path)
    assert files_of(tmp_path) == ["dark/generator.keras", "mine/notes.txt"]


@pytest.mark.parametrize("name", ["report.html", "metrics.json", "scores.csv", "table.md"])
def test_files_of_the_user_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(
        UserError, match=f"cannot replace '.*{name}', which no earlier run wrote: give another --output"
    ):
        evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path)
    assert files_of(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "precious"


def test_files_of_the_user_that_appear_during_the_evaluation_are_not_replaced(tmp_path):
    evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path)
    (tmp_path / "table.md").unlink()
    (tmp_path / MANIFEST_FILE).unlink()
    before = {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)}
    for name in ("metrics.json", "scores.csv", "report.html"):
        (tmp_path / name).rename(tmp_path / f"kept-{name}")

    def appear(dataset, picture, scores):
        for name in ("metrics.json", "scores.csv", "report.html"):
            (tmp_path / f"kept-{name}").rename(tmp_path / name)

    with pytest.raises(UserError, match=r"cannot replace '.*metrics.json', which no earlier run wrote"):
        evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("b", 1))], tmp_path, on_picture=appear)
    assert {name: (tmp_path / name).read_bytes() for name in files_of(tmp_path)} == before


def test_pictures_that_were_blended_from_tiles_are_named(tmp_path, monkeypatch):
    blending = Shifted("blending", 0)
    blending.halo = None
    monkeypatch.setattr(tiled, "free_compute_memory", lambda: 2 * 3000 * blending.bytes_per_pixel)
    pairs = [drawn("small", 1, 48, 48), drawn("large", 2, 1200, 48)]
    results = evaluate_sources([BicubicUpscaler(4), blending], [source_of("mine", *pairs)], tmp_path)
    blended = {result["model"]: result["datasets"]["mine"]["blended"] for result in results}
    assert blended == {"bicubic": [], "blending": ["large"]}


def test_a_file_added_to_the_results_is_not_deleted(tmp_path):
    evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path)
    (tmp_path / "mine" / "sr" / "notes.txt").write_text("precious")
    with pytest.raises(UserError, match=r"'sr/notes.txt', which no earlier run wrote"):
        evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path)
    assert (tmp_path / "mine" / "sr" / "notes.txt").read_text() == "precious"


@pytest.mark.parametrize("used", ["mine", "mine/deep/er", "."])
def test_results_may_not_overlap_an_input(tmp_path, used):
    (tmp_path / "out" / used).mkdir(parents=True)
    with pytest.raises(UserError, match="overlaps the input"):
        evaluate_sources(
            [BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path / "out", inputs=[tmp_path / "out" / used]
        )
    assert files_of(tmp_path) == []


def test_a_link_is_not_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "mine").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="it is not a folder"):
        evaluate_sources([BicubicUpscaler(4)], [source_of("mine", drawn("a", 1))], tmp_path)


def test_names_that_are_not_utf8(tmp_path):
    pair = drawn("caf\udce9", 1)
    evaluate_sources([BicubicUpscaler(4), Shifted("dark", -5)], [source_of("mine", pair)], tmp_path)
    metrics = json.loads((tmp_path / "dark" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["datasets"]["mine"]["images"][0]["name"] == pair.name
    assert (tmp_path / "dark" / "mine" / "sr" / f"{pair.name}.png").is_file()
    for file in ("report.html", "scores.csv"):
        assert "caf\\udce9" in (tmp_path / file).read_text(encoding="utf-8")
