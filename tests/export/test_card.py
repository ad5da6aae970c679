import json

import pytest

from srgan_tf.errors import UserError
from srgan_tf.export import card
from srgan_tf.export.module import serving_module
from srgan_tf.networks.generators import srresnet


@pytest.fixture
def run_folder(tmp_path):
    config = {"preset": "msrgan_x4", "data": {"train": ["div2k", "photos"], "valid": []}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    rows = [
        {"phase": "gan", "step": 50, "eval/psnr_y": 20.0},
        {"phase": "gan", "step": 100, "eval/psnr_y": 27.12345, "eval/ssim_y": 0.5},
        {"phase": "gan", "step": 110, "loss/generator/total": 0.1},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_facts_of_a_run_are_its_preset_data_and_last_scores(run_folder):
    facts = card.training_facts(run_folder, license_text="CC0-1.0")
    assert facts["Model"][1:] == ["preset: msrgan_x4"]
    assert facts["Training data"] == ["training: div2k, photos"]
    assert facts["Scores"] == ["validation pictures, gan step 100: psnr_y 27.12, ssim_y 0.5"]
    assert facts["Licence of the weights"] == ["CC0-1.0"]


def test_a_keras_file_has_no_training_facts(tmp_path):
    assert [*card.training_facts(tmp_path / "alone.keras")] == ["Model"]


def test_scores_of_evaluate(tmp_path):
    report = {
        "protocol": "y-border",
        "datasets": {"Set5": {"images": [], "mean": {"psnr_y": 31.294, "ssim_y": 0.8816}}},
    }
    (tmp_path / "metrics.json").write_text(json.dumps(report))
    facts = card.training_facts("alone.keras", scores=tmp_path / "metrics.json")
    assert facts["Scores"] == ["protocol: y-border", "Set5: psnr_y 31.29, ssim_y 0.8816"]


@pytest.mark.parametrize("text", ["", "[]", '{"datasets": {"Set5": 1}}'])
def test_invalid_score_files_are_refused(tmp_path, text):
    (tmp_path / "metrics.json").write_text(text)
    with pytest.raises(UserError, match=r"is not a metrics\.json of srgan-tf evaluate"):
        card.training_facts("alone.keras", scores=tmp_path / "metrics.json")


def test_damaged_rows_are_skipped(run_folder):
    with (run_folder / "metrics.jsonl").open("a") as file:
        file.write('null\n[1]\n{"phase": "gan", "step": null, "eval/psnr_y": 1}\n{"eval/psnr_y": 2}\n')
        file.write('{"phase": "gan", "step": 120, "eval/psnr_y": null, "eval/ssim_y": 1.0}\n{"phase": "gan", "st')
    scores = card.training_facts(run_folder)["Scores"]
    assert scores == ["validation pictures, gan step 120: psnr_y not finite, ssim_y 1"]


def test_a_card_beside_the_file(tmp_path):
    known = {
        "name": "compact_x4",
        "preset": "compact_x4",
        "data": "photographs, CC0",
        "license": "CC-BY-4.0",
        "scores": {"protocol": "y-border", "Set5": {"psnr_y": 31.294, "ssim_y": 0.8816}},
    }
    (tmp_path / "compact_x4.json").write_text(json.dumps(known))
    facts = card.training_facts(tmp_path / "compact_x4.keras")
    assert facts.pop("Model")[1:] == ["preset: compact_x4"]
    assert facts == {
        "Training data": ["photographs, CC0"],
        "Scores": ["protocol: y-border", "Set5: psnr_y 31.29, ssim_y 0.8816"],
        "Licence of the weights": ["CC-BY-4.0"],
    }
    assert card.training_facts(tmp_path / "compact_x4.keras", license_text="MIT")["Licence of the weights"] == ["MIT"]
    for other in ("[]", '{"name": "other", "data": {}}'):  # another program's
        (tmp_path / "compact_x4.json").write_text(other)
        assert card.training_facts(tmp_path / "compact_x4.keras").keys() == {"Model"}
    (tmp_path / "compact_x4.json").write_text("{")
    with pytest.raises(UserError, match="cannot read what lies beside the model"):
        card.training_facts(tmp_path / "compact_x4.keras")


def test_a_damaged_run_folder(run_folder):
    (run_folder / "config.json").write_text("{}")
    with pytest.raises(UserError, match="cannot read what lies beside the model"):
        card.training_facts(run_folder)


def test_the_card(run_folder):
    generator = srresnet(num_blocks=1, num_filters=4)
    module = serving_module(generator, {"scale": 4, "receptive_field": 10, "max_pixels": 64})
    text = card.model_card(
        generator,
        {"serving_default": module.image_bytes, "tensor_uint8": module.tensor_uint8},
        description={"scale": 4, "receptive_field": 10},
        facts=card.training_facts(run_folder),
    )
    lines = text.splitlines()
    assert lines[0] == "# srresnet x4"
    assert "- receptive_field: 10" in lines
    assert "- `serving_default`: image_bytes string [any] -> sr_bytes string [any]" in lines
    assert "- `tensor_uint8`: lr uint8 [any, any, any, 3] -> sr uint8 [any, any, any, 3]" in lines
    assert lines[lines.index("## Licence of the weights") + 2] == "- not stated: ask whoever trained the model"


def test_only_earlier_exports_are_replaced(tmp_path):
    path = tmp_path / "a.onnx"
    card.check_replaceable(path)
    path.write_bytes(b"of srgan_tf")
    card.check_replaceable(path)
    for foreign in (path.with_name("a.onnx.md"), path):
        foreign.write_bytes(b"mine")
        with pytest.raises(UserError, match=f"cannot replace .*{foreign.name}': no earlier export wrote it"):
            card.check_replaceable(path)
        foreign.unlink()


def test_exports_do_not_overwrite_their_inputs(run_script, tmp_path, small_generator):
    (tmp_path / "run").mkdir()
    small_generator.save(tmp_path / "run" / "generator.keras")
    for arguments in (["--output", tmp_path / "run"], ["--format", "onnx", "--output", tmp_path / "run" / "a.onnx"]):
        code, _, error = run_script("export", "--model", tmp_path / "run", *arguments)
        assert code == 2
        assert "overlaps the input" in error
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["generator.keras"]
