"""Every configuration of DIV2K through the commands: read, trained two steps, scored by its protocol."""

import json

import pytest
from support.div2k import offer_archives, tfds_builder, unpack_archives, write_archives

from srgan_tf.data.div2k import CONFIGURATIONS

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # raised inside tensorflow-datasets and what it imports
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
PROTOCOLS = {"realistic": ("ntire18", "psnr_ntire18"), "bicubic_x8": ("ntire18-x8", "psnr_ntire18_x8")}
SAMPLE = ("bicubic_x8", "unknown_x2", "realistic_wild_x4")
SMALL = [
    *("generator.num_blocks=1", "generator.num_filters=4", "data.batch_size=2", "data.valid_pictures=1"),
    *("pretrain.steps=2", "gan.steps=0", "reporting.log_every=1", "reporting.validate_every=2"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    # One of each kind and protocol. tests/data/test_div2k.py reads all of them in every run.
    [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.soak) for name in CONFIGURATIONS],
)
def test_train_and_score(run_script, tmp_path, monkeypatch, name):
    """From archives by tensorflow-datasets and from folders. One validation picture is enough for all protocols."""
    builder_class = tfds_builder(monkeypatch, tmp_path / "tensorflow_datasets")
    scale = CONFIGURATIONS[name].scale
    least = -(-180 // scale)  # the protocol of the realistic tracks searches in the 160 pixels of the centre
    _, urls = write_archives(tmp_path, name, {"train": (24, 20), "valid": (least, least + 3)})
    offer_archives(monkeypatch, builder_class, name, urls)
    unpack_archives(tmp_path, tmp_path / "DIV2K")
    protocol, metric = next((value for key, value in PROTOCOLS.items() if name.startswith(key)), ("y-border", "psnr_y"))
    settings = [*SMALL, f"scale={scale}", f"data.hr_patch_size={8 * scale}"]
    flags = [argument for setting in settings for argument in ("--set", setting)]
    scores = []
    for index, data in enumerate((f"div2k/{name}", f"{tmp_path / 'DIV2K'}:{name}")):
        workdir, results = tmp_path / f"run{index}", tmp_path / f"results{index}"
        preset = "wdsr_x4" if scale == 4 else "srresnet_x4"
        assert run_script("train", "--preset", preset, *flags, "--data", data, "--workdir", workdir)[0] == 0
        rows = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
        assert max(row["step"] for row in rows) == 2
        arguments = ["--model", "bicubic", "--model", workdir, "--data", data, "--scale", scale]
        code, _, error = run_script("evaluate", *arguments, "--protocol", protocol, "--output", results)
        assert code == 0, error
        for model in ("bicubic", workdir.name):
            (dataset,) = json.loads((results / model / "metrics.json").read_text())["datasets"].values()
            assert len(dataset["images"]) == 2
            scores.append(dataset["mean"][metric])
    # The same pictures in another order; the networks start from the same seed but see other crops.
    assert scores[0] == pytest.approx(scores[2], abs=1e-9)
    assert all(0 < score < 60 for score in scores)
