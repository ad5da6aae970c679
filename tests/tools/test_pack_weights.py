"""A run becomes a shipped generator: what is kept, what is rounded, what the card says."""

import json
import zipfile

import keras
import numpy as np
import pytest

from srgan_tf.errors import UserError
from srgan_tf.networks.saved import load_generator
from srgan_tf.runs import GENERATOR_FILE
from srgan_tf.weights import shipped
from tools import pack_weights

FACTS = {"summary": "To try.", "data": "Drawn.", "license_text": "CC0-1.0", "hardware": "one core"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where shipped generators lie, empty."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(shipped, "FOLDER", folder)
    return folder


@pytest.fixture
def run(tmp_path, small_generator, rng):
    """A run folder with the history of two phases; the generator's numbers are as uneven as those of a trained one."""
    run = tmp_path / "run"
    run.mkdir()
    small_generator.set_weights([rng.normal(0, 0.1, each.shape) ** 2 for each in small_generator.get_weights()])
    small_generator.save(run / GENERATOR_FILE)
    (run / "config.json").write_text(json.dumps({"preset": "srgan_x4", "scale": 4, "data": {"batch_size": 16}}))
    session = {
        "start": "2026-01-02T23:04:05+00:00",
        "command": ["train.py", "--preset", "srgan_x4"],
        "git_commit": "abc",
        "versions": {"keras": "3.15.1"},
        "data": "123",
    }
    (run / "sessions.jsonl").write_text(json.dumps(session) + "\n")
    rows = [
        {"phase": "pretrain", "step": 100, "speed/images_per_second": 16.0},  # 100 s
        {"phase": "pretrain", "step": 300, "speed/images_per_second": 8.0},  # 400 s
        {"phase": "pretrain", "step": 300, "eval/psnr_y": 30.0},
        {"phase": "gan", "step": 50, "speed/images_per_second": 2.0},  # 400 s
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"phase": "ga')
    return run


def test_kernels_are_rounded_and_all_else_is_exact(run, tmp_path):
    pack_weights.store_in_float16(run / GENERATOR_FILE, tmp_path / "packed.keras")
    original, packed = load_generator(run), load_generator(tmp_path / "packed.keras")
    rounded = 0
    for before, after in zip(original.weights, packed.weights, strict=True):
        assert after.dtype == "float32"
        expected = before.numpy()
        if expected.ndim == 4:
            rounded += not np.array_equal(after.numpy(), expected)
            expected = expected.astype(np.float16)
        np.testing.assert_array_equal(after.numpy(), expected, err_msg=before.path)
    assert rounded == sum(isinstance(layer, keras.layers.Conv2D) for layer in original.layers)


def test_packing_halves_a_file_and_gives_the_same_bytes_again(run, tmp_path):
    large = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(256, 9), keras.layers.Conv2D(64, 3)])
    large.save(tmp_path / "large.keras")
    packed = []
    for name in ("first", "second"):
        pack_weights.store_in_float16(tmp_path / "large.keras", tmp_path / name)
        packed.append((tmp_path / name).read_bytes())
    assert packed[0] == packed[1]
    assert len(packed[0]) < 0.55 * (tmp_path / "large.keras").stat().st_size
    assert zipfile.is_zipfile(tmp_path / "first")


def test_a_card_records_the_training(run):
    file = pack_weights.add(run, "mine", notes=["began anew"], **FACTS)
    assert shipped.names() == ["mine"]
    assert shipped.find("mine") == file
    card = shipped.read_card("mine")
    assert card["steps"] == {"pretrain": 300, "gan": 50}
    assert card["hours"] == 0.25  # 900 seconds
    assert (card["preset"], card["scale"], card["parameters"]) == ("srgan_x4", 4, load_generator(run).count_params())
    assert (card["command"], card["date"]) == ("python train.py --preset srgan_x4", "2026-01-02")
    assert (card["data"], card["license"], card["hardware"]) == ("Drawn.", "CC0-1.0", "one core")
    assert (card["bytes"], card["notes"], card["scores"]) == (file.stat().st_size, ["began anew"], {})


def test_scores_are_added_by_a_second_call(run, tmp_path):
    first = pack_weights.add(run, "mine", **FACTS).read_bytes()
    scores = tmp_path / "metrics.json"
    result = {"model": "mine", "protocol": "as ever", "datasets": {"Set5": {"mean": {"psnr_y": 30.5}}}}
    scores.write_text(json.dumps(result))
    assert pack_weights.add(run, "mine", scores=scores, **FACTS).read_bytes() == first
    assert shipped.read_card("mine")["scores"] == {"protocol": "as ever", "Set5": {"psnr_y": 30.5}}
    scores.write_text(json.dumps(result | {"model": "other"}))
    with pytest.raises(UserError, match="'other', not of 'mine'"):
        pack_weights.add(run, "mine", scores=scores, **FACTS)
    scores.write_text("[]")
    with pytest.raises(UserError, match=r"is not a metrics\.json of srgan-tf evaluate"):
        pack_weights.add(run, "mine", scores=scores, **FACTS)


def test_the_card_of_a_checkpoint_covers_the_run_up_to_it(run):
    rows = (run / "metrics.jsonl").read_text().splitlines()[:-1]
    (run / "metrics.jsonl").write_text("\n".join([*rows, '{"phase": "gan", "step": 90, "speed/images_per_second": 1}']))
    checkpoint = run / "checkpoints" / "gan" / "0000050" / GENERATOR_FILE
    checkpoint.parent.mkdir(parents=True)
    (run / GENERATOR_FILE).rename(checkpoint)
    pack_weights.add(run, "mine", step=50, **FACTS)
    assert shipped.read_card("mine")["steps"] == {"pretrain": 300, "gan": 50}
    assert shipped.read_card("mine")["hours"] == 0.25
    with pytest.raises(UserError, match="no model"):
        pack_weights.add(run, "mine", step=40, **FACTS)


def test_a_folder_without_a_history_is_refused(run):
    (run / "sessions.jsonl").unlink()
    with pytest.raises(UserError, match="is not the folder of a trained run"):
        pack_weights.add(run, "mine", **FACTS)


def test_a_file_without_a_run_folder(run, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"preset": "srgan_x4", "scale": 4}))
    history = {"command": "train.py", "steps": {"gan": 70}, "hours": 1.5, "git_commit": "abc"}
    file = pack_weights.add_file(
        run / GENERATOR_FILE, "photo", config=config, **history, **FACTS, faithful="photo_faithful"
    )
    assert shipped.find("photo") == file
    card = shipped.read_card("photo")
    assert (card["preset"], card["config"]["preset"], card["faithful"]) == ("photo", "photo", "photo_faithful")
    assert {key: card[key] for key in history} == history
    assert card["versions"] == {"keras": keras.__version__}
    assert len(card["date"]) == len("2026-01-02")
    with pytest.raises(UserError, match="cannot read"):
        pack_weights.add_file(config, "photo", config=config, **history, **FACTS)


def test_flags_of_the_two_forms_are_not_mixed(run, monkeypatch, capsys):
    facts = ["--name", "mine", "--summary", "S", "--data", "D", "--license", "L", "--hardware", "H"]
    for arguments, message in (
        ([run, "--hours", "1"], "are for a .keras file"),
        ([run / GENERATOR_FILE, "--hours", "1"], "a .keras file needs --config"),
    ):
        monkeypatch.setattr("sys.argv", ["pack_weights", *map(str, arguments), *facts])
        with pytest.raises(SystemExit):
            pack_weights.main()
        assert message in capsys.readouterr().err
    history = ["--config", run / "config.json", "--command", "train.py", "--steps", "pretrain=5", "--steps", "gan=7"]
    arguments = [run / GENERATOR_FILE, *history, "--hours", "1", "--git-commit", "abc", *facts]
    monkeypatch.setattr("sys.argv", ["pack_weights", *map(str, arguments)])
    pack_weights.main()
    assert shipped.read_card("mine")["steps"] == {"pretrain": 5, "gan": 7}
