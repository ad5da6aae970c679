import json
import os

import pytest

from benchmarks import gpu, processes
from srgan_tf.errors import WorkError


def test_the_table_of_a_report():
    report = {"device": "CPU, 2 cores", "batch_size": 4, "hr_patch_size": 32, "proof": [], "upscaling": []}
    report["training"] = [{"phase": "gan", "xla": False, "s/step": 0.12345}, {"phase": "gan", "failed": "no memory"}]
    report["pytorch"] = []
    assert gpu.to_markdown(report) == (
        "CPU, 2 cores; batch 4, HR 32\n\nTraining steps:\n\n"
        "| phase | xla | s/step | failed |\n| --- | --- | --- | --- |\n"
        "| gan | False | 0.123 |  |\n| gan |  |  | no memory |\n"
    )


def test_nothing_is_measured_after_the_time(tmp_path, monkeypatch):
    measured = []
    rows = [("proof", {"precision": "float32"}, lambda left: measured.append(left) or {"s/step": 1.0})] * 3
    monkeypatch.setattr(gpu, "_rows", lambda flags: iter(rows))
    clock = iter([0.0, 4.0, 9.0, 10.0])
    monkeypatch.setattr(gpu, "monotonic", lambda: next(clock))
    gpu.main(["--seconds", "10", "--output", str(tmp_path / "new")])
    assert measured == [6.0, 1.0]
    assert len(json.loads((tmp_path / "new" / "gpu.json").read_text())["proof"]) == 2


@pytest.mark.slow
def test_it_measures_at_toy_size_on_this_device(tmp_path, monkeypatch):
    # In this process: starting one with TensorFlow for each row would take most of the test's time.
    monkeypatch.setattr(gpu, "in_process", lambda function, *arguments, timeout: function(*arguments))
    monkeypatch.setattr("benchmarks.train.matrix_product_rate", lambda precision: 1e9)
    small = ["generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=2"]
    settings = [text for setting in [*small, "gan.perceptual_weight=0"] for text in ("--set", setting)]
    sizes = ["--batch-size", "2", "--hr-patch-size", "32", "--side", "8", "--steps", "1", "--preset", "tiny"]
    torch = ["--torch-python", str(tmp_path / "absent")]
    gpu.main(["--seconds", "600", "--output", str(tmp_path), *sizes, *settings, *torch])
    report = json.loads((tmp_path / "gpu.json").read_text())
    proofs = {(row["precision"], row["xla"]): row["largest difference"] for row in report["proof"]}
    assert len(proofs) == 6
    assert proofs["float32", False] < 1e-4
    assert 0 < proofs["bfloat16", False] < 0.2
    assert max(proofs.values()) < 0.2
    steps = [(row["phase"], row["precision"], row["xla"]) for row in report["training"]]
    assert steps == [
        *((phase, "bfloat16", xla) for phase in ("pretrain", "gan") for xla in (False, True)),
        *((phase, "float32", False) for phase in ("pretrain", "gan")),
    ]
    assert all(row["images/s"] > 0 for row in report["training"])
    assert [row["precision"] for row in report["upscaling"]] == ["float16", "bfloat16", "float32"]
    assert all(row["output megapixels/s"] > 0 for row in report["upscaling"])
    assert all("absent" in row["failed"] for row in report["pytorch"])
    assert "| tiny | gan | bfloat16 | True |" in (tmp_path / "gpu.md").read_text()


def test_processes_give_results_and_errors(monkeypatch):
    # TensorFlow is not needed here.
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    assert processes.in_process(divmod, 17, 5) == (3, 2)
    with pytest.raises(WorkError, match="ZeroDivisionError"):
        processes.in_process(divmod, 1, 0)
    with pytest.raises(WorkError, match="died with exit code 3"):
        processes.in_process(os._exit, 3)
