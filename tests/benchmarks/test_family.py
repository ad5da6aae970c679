import argparse
import importlib
import json
import pathlib
import signal
import sys

import numpy as np
import pytest

from benchmarks import family, family_stages, family_table
from benchmarks.family_rows import NAMES, Budget, Row, load, rows_of, start_of
from srgan_tf.config import presets
from srgan_tf.errors import WorkError
from srgan_tf.images.pictures import write_picture

BUDGET = Budget(8, 4)


class ParsedError(Exception):
    """Stops a command after its own parser."""


class Commands:
    """In place of the commands: each is checked by its own parser, then what it would write is written.

    Attributes:
        names: the commands so far.
        failing: text of commands that fail.
    """

    def __init__(self, monkeypatch):
        self.names, self.failing, self.parsed = [], "nothing", []
        monkeypatch.setattr(family_stages, "run", self.run)
        monkeypatch.setattr(family_stages, "load_upscaler", lambda model, precision: self)
        parse_args = argparse.ArgumentParser.parse_args

        def parse(self, *given):
            raise ParsedError(parse_args(self, *given))

        def flags_of(command):
            with monkeypatch.context() as patch:
                patch.setattr(argparse.ArgumentParser, "parse_args", parse)
                patch.setattr(sys, "argv", command)
                with pytest.raises(ParsedError) as stopped:
                    importlib.import_module(f"srgan_tf.commands.{command[0]}").main()
            return stopped.value.args[0]

        self.flags_of = flags_of

    def upscale(self, lr):
        return np.repeat(np.repeat(lr, 4, axis=0), 4, axis=1)

    def run(self, command, record, stage, stop_when=None):
        record.write(seconds=record.facts["seconds"] | {stage: 1.0})
        self.names.append(command[0])
        if self.failing in command:
            raise WorkError(f"exit code 1: {' '.join(command)}")
        flags = self.flags_of(command)
        self.parsed.append(flags)
        output = pathlib.Path(flags.workdir if command[0] == "train" else flags.output)
        if command[0] == "train":
            phase = "gan" if "pretrain.steps=0" in flags.set else "pretrain"
            step = getattr(BUDGET, phase) // (2 if stop_when else 1)
            (output / "checkpoints" / phase / f"{step:07}").mkdir(parents=True)
            with (output / "metrics.jsonl").open("a") as file:
                file.write(json.dumps({"phase": phase, "step": step, "loss/generator/total": 1.0}) + "\n")
        elif command[0] == "evaluate":
            scores = {"psnr_y": 20.0 + len(self.names), "ssim_y": 0.5, "psnr_lr": 30.0, "niqe": 5.0, "stlpips": 0.25}
            output.mkdir(parents=True)
            (output / "metrics.json").write_text(json.dumps({"datasets": {"Set14": {"mean": scores}}}))
        elif command[0] == "upscale":
            write_picture(output / "picture.png", np.zeros((64, 64, 3), np.uint8))
        elif command[0] == "export":
            (output / "1").mkdir(parents=True)
            (output / "1" / "saved_model.pb").write_bytes(bytes(1500))
        return stop_when is not None


@pytest.fixture
def commands(monkeypatch):
    return Commands(monkeypatch)


@pytest.fixture
def arguments(tmp_path):
    write_picture(tmp_path / "Set14" / "a.png", np.zeros((64, 64, 3), np.uint8))
    steps = ["--pretrain-steps", str(BUDGET.pretrain), "--gan-steps", str(BUDGET.gan)]
    data = ["--data", "photos", "--valid", "Set5", "--score", str(tmp_path / "Set14")]
    return [*data, *steps, "--output", str(tmp_path / "out")]


ROW = ["train", "train", "evaluate", "upscale", "export"]  # interrupted, then resumed


def test_a_preset_goes_from_training_to_export_and_finished_work_is_not_repeated(commands, arguments, tmp_path):
    for _ in range(2):
        family.main([*arguments, "--only", "esrgan_light_x4"])
    assert commands.names == [*ROW, "evaluate", *ROW]
    pretrain, gan = commands.parsed[0], commands.parsed[6]
    assert pretrain.workdir == gan.init_generator == str(tmp_path / "out" / "runs" / "esrgan_light_x4_pretrain")
    (records,) = json.loads((tmp_path / "out" / "table.json").read_text()).values()
    assert [facts["name"] for facts in records] == ["bicubic", "esrgan_light_x4_pretrain", "esrgan_light_x4"]
    assert records[2]["interrupted_at"] == 2
    assert records[2]["export_bytes"] == 1500
    table = (tmp_path / "out" / "table.md").read_text()
    assert "| pretraining of `esrgan_light_x4` | 1 | 23.00 | 0.500 | 30.00 | 5.00 | 0.250 | 1 |" in table
    assert "| pretraining of `esrgan_light_x4` | 8 | 4 | 0 | 0.00 |" in table


def test_several_seeds_become_one_line(commands, arguments, tmp_path):
    family.main([*arguments, "--only", "srresnet_x4", "--seeds", "srresnet_x4=2"])
    assert {flags.seed for flags in commands.parsed if hasattr(flags, "workdir")} == {0, 1}
    # The evaluations are commands 3 (seed 0), 6 (bicubic) and 9 (seed 1).
    assert (
        "| pretraining of `srresnet_x4`, `srgan_x4`, `report_x4` | 2 | 26.00 ± 4.24 |"
        in (tmp_path / "out" / "table.md").read_text()
    )


def test_presets_for_photographs_are_scored_on_degraded_ones(commands, arguments, tmp_path):
    options = ["--only", "compact_x4", "--only", "photo_faithful_x4", "--degraded", "web"]
    family.main([*arguments, *options])
    scored = [flags.data for flags in commands.parsed if hasattr(flags, "protocol")]
    clean = str(tmp_path / "Set14")
    assert sorted(scored) == sorted([[clean]] * 2 + [["web"]] * 2)  # bicubic on both
    assert list(json.loads((tmp_path / "out" / "table.json").read_text())) == [clean, "web"]


def test_a_failed_row_is_named_and_tried_again(commands, arguments, tmp_path):
    commands.failing = str(tmp_path / "out" / "runs" / "wgan_x4")
    with pytest.raises(WorkError, match="1 of 2 rows failed: wgan_x4"):
        family.main([*arguments, "--only", "wgan_x4"])
    assert "wgan_x4 failed: exit code 1: train" in (tmp_path / "out" / "table.md").read_text()
    commands.failing = "nothing"
    family.main([*arguments, "--only", "wgan_x4"])
    assert "exit code" not in (tmp_path / "out" / "table.md").read_text()


def test_ranksrgan_gets_a_ranker(commands, arguments, tmp_path):
    family.main([*arguments, "--only", "ranksrgan_x4"])
    assert commands.names.count("rank") == 1
    ranker = tmp_path / "out" / "ranker" / "ranker.keras"
    assert f"gan.ranker={ranker}" in commands.parsed[-1 - 3].set  # before evaluate, upscale and export
    rows = rows_of(["ranksrgan_x4"], {}, BUDGET)
    assert [row.name for row in rows] == [
        *("msrgan_x4_pretrain", "msrgan_x4", "esrgan_light_x4_pretrain", "esrgan_light_x4", "ranksrgan_x4")
    ]


def test_every_preset_but_tiny_has_its_rows():
    rows = rows_of(NAMES, {"srgan_x4": 3}, BUDGET)
    assert {row.preset for row in rows if row.phase == "gan"} == {
        name
        for name, preset in presets.PRESETS.items()
        if preset().gan.steps and preset().scale == 4 and name != "tiny"
    }
    assert len(rows) == len(set(rows))
    for row in rows:
        assert start_of(row, BUDGET) in rows[: rows.index(row) + 1]
        assert load(row.preset, BUDGET).pretrain.steps == 8
    assert start_of(Row("srgan_x4", "gan", 2), BUDGET) == Row("srresnet_x4", "pretrain", 2)
    # The same generator on other data is another pretraining.
    assert start_of(Row("photo_x4", "gan", 0), BUDGET) != start_of(Row("srgan_lite_x4", "gan", 0), BUDGET)


PROGRAM = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0 if "finished" in sys.argv[1] else 143))
pathlib.Path(sys.argv[1]).touch()
if sys.argv[2:]:
    sys.exit(int(sys.argv[2]))
time.sleep(60)
"""


def test_a_command_is_stopped_by_sigterm_and_its_cpu_time_is_added(tmp_path, monkeypatch):
    monkeypatch.setattr(family_stages, "_PROGRAM", (sys.executable, "-c", PROGRAM))
    monkeypatch.setattr(family_stages, "_POLL_SECONDS", 0.01)
    record = family_stages.Record(tmp_path, "row")
    started = tmp_path / "started"
    assert family_stages.run([str(started)], record, "train", stop_when=started.exists)
    finished = tmp_path / "finished"
    assert not family_stages.run([str(finished)], record, "other", stop_when=finished.exists)
    first = record.facts["seconds"]["train"]
    assert first > 0
    assert not family_stages.run([str(started), "0"], record, "train")
    assert family_stages.Record(tmp_path, "row").facts["seconds"]["train"] > first
    with pytest.raises(WorkError, match=r"exit code 3: srgan-tf .*started 3"):
        family_stages.run([str(started), "3"], record, "train")
    with pytest.raises(WorkError, match="exit code 143"):  # killed by something else
        family_stages.run([str(started), str(128 + signal.SIGTERM)], record, "train")


def test_missing_scores_leave_a_cell_empty(tmp_path):
    facts = {"name": "a", "presets": ["a"], "phase": "gan", "seconds": {}, "failed": "exit code 1"}
    family_table.write(tmp_path, [("Set14", [facts])])
    assert "| `a` | 1 |  |  |  |  |  |  |\n" in (tmp_path / "table.md").read_text()
