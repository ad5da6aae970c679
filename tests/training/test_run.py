import json
import math

import numpy as np
import pytest
import tensorflow as tf

from srgan_tf import config as configuration
from srgan_tf import presets
from srgan_tf.data.pictures import write_picture
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.inference import load_generator, load_upscaler
from srgan_tf.settings import with_settings
from srgan_tf.training import run as training_run
from srgan_tf.training.checkpoints import Checkpoints
from srgan_tf.training.datasets import load_datasets
from srgan_tf.training.loop import train_phase
from srgan_tf.training.reporting import Reporter
from srgan_tf.training.state import gan_state, pretrain_state
from srgan_tf.training.workdir import check_workdir, write_config


def rows(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_a_run_leaves_all_it_should(trained_run):
    assert sorted(path.name for path in trained_run.iterdir()) == [
        *("checkpoints", "config.json", "generator.keras", "metrics.jsonl", "samples", "tensorboard"),
    ]
    assert (trained_run / "checkpoints" / "pretrain" / "checkpoint").is_file()
    assert (trained_run / "checkpoints" / "gan" / "ckpt-8.index").is_file()
    samples = {path.name for path in (trained_run / "samples").iterdir()}
    assert {"pretrain-0000012-0-0000.png", "gan-0000008-1-0001.png"} <= samples
    upscaler = load_upscaler(str(trained_run))
    assert upscaler.upscale(np.zeros((17, 23, 3), np.uint8)).shape == (68, 92, 3)


def test_metrics_have_every_report_once(trained_run):
    losses = [(row["phase"], row["step"]) for row in rows(trained_run) if "loss/generator/total" in row]
    assert losses == [("pretrain", step) for step in range(2, 13, 2)] + [("gan", step) for step in range(2, 9, 2)]
    scores = [(row["phase"], row["step"]) for row in rows(trained_run) if "eval/psnr_y" in row]
    assert scores == [("pretrain", 6), ("pretrain", 12), ("gan", 6), ("gan", 8)]
    tags = set().union(*rows(trained_run))
    assert {"learning_rate/discriminator", "logits/real", "speed/images_per_second", "eval/ssim_y"} <= tags


def test_tensorboard_has_scalars_and_pictures(trained_run):
    tags = {}
    for phase in ("pretrain", "gan"):
        (file,) = (trained_run / "tensorboard" / phase).iterdir()
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                tags.setdefault((phase, value.tag), []).append(event.step)
    assert tags["pretrain", "loss/generator/total"] == list(range(2, 13, 2))
    assert tags["gan", "loss/discriminator/total"] == list(range(2, 9, 2))
    assert tags["gan", "samples/0-0000"] == [6, 8]
    assert tags["gan", "eval/psnr_y"] == [6, 8]


def test_a_finished_run_is_left_as_it_is(trained_run):
    before = (trained_run / "metrics.jsonl").read_bytes()
    settings = json.loads((trained_run / "config.json").read_text())
    training_run.run(configuration.from_dict(settings), trained_run)
    assert (trained_run / "metrics.jsonl").read_bytes() == before


def test_another_runs_folder_is_refused(trained_run):
    config = configuration.from_dict(json.loads((trained_run / "config.json").read_text()))
    other = with_settings(config, ["gan.steps=9", "seed=3"])
    with pytest.raises(UserError, match=r"gan\.steps was 8, is 9; seed was 0, is 3"):
        training_run.run(other, trained_run)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"no_such_setting": 1}'])
def test_a_config_that_is_none_is_named(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json' is no run's settings"):
        check_workdir(presets.tiny(), tmp_path)


def test_settings_added_later_do_not_end_a_run(tmp_path):
    write_config(presets.tiny(), tmp_path)
    settings = json.loads((tmp_path / "config.json").read_text())
    del settings["data"]["augment"], settings["generator"]["init_gain"]
    config = with_settings(presets.tiny(), ["generator.init_gain=1", "reporting.log_every=3", "data.store=disk"])
    (tmp_path / "config.json").write_text(json.dumps(settings))
    check_workdir(config, tmp_path)
    with pytest.raises(UserError, match=r"data\.augment was True, is False"):
        check_workdir(with_settings(config, ["data.augment=false"]), tmp_path)


def test_a_workdir_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    for workdir in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(UserError, match="cannot write to the workdir"):
            check_workdir(presets.tiny(), workdir)


def test_config_is_written_and_fits_itself(tmp_path):
    write_config(presets.srgan_x4(), tmp_path / "new" / "run")
    check_workdir(presets.srgan_x4(), tmp_path / "new" / "run")
    assert [path.name for path in (tmp_path / "new" / "run").iterdir()] == ["config.json"]


def test_nothing_is_written_when_the_data_is_wrong(tmp_path):
    config = with_settings(presets.tiny(), ['data.train=["missing"]'])
    with pytest.raises(UserError, match="no data 'missing'"):
        training_run.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_missing_vgg_weights_stop_the_run_before_pretraining(tmp_path):
    config = with_settings(presets.srgan_x4(), ["gan.perceptual.weights=missing.h5"])
    with pytest.raises(UserError, match=r"no VGG19 weights at 'missing\.h5'"):
        training_run.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_no_phase_at_all(tmp_path):
    config = with_settings(presets.tiny(), ["pretrain.steps=0", "gan.steps=0"])
    with pytest.raises(UserError, match="nothing to train"):
        training_run.run(config, tmp_path / "run")


def test_a_loss_that_is_not_finite_stops_before_anything_is_saved(tmp_path):
    config = with_settings(presets.tiny(), ["generator.num_blocks=1", "reporting.checkpoint_every=2"])
    state = pretrain_state(config)
    values = iter([0.5, 0.4, math.nan, 0.3])
    saved = []

    def step(lr, hr):
        state.step.assign_add(1)
        return {"loss/generator/total": tf.constant(next(values))}

    with pytest.raises(WorkError, match=r"diverged by step 4: loss/generator/total = nan"):
        train_phase(
            state,
            step,
            [(None, None)] * 4,
            steps=4,
            reporting=config.reporting,
            reporter=Reporter(tmp_path, "pretrain", steps=4, start_step=0, batch_size=1),
            validate=lambda: ({}, {}),
            save=lambda: saved.append(int(state.step)),
        )
    assert saved == [2]


def test_reports_past_the_restored_step_are_made_again(tmp_path):
    def report(phase, step):
        reporter.progress(step, {"loss/generator/total": 1.0})
        return phase, step

    (tmp_path / "metrics.jsonl").touch()
    for phase, start, steps in (("pretrain", 0, (10, 20, 30)), ("gan", 0, (10, 20, 30))):
        reporter = Reporter(tmp_path, phase, steps=40, start_step=start, batch_size=1)
        for step in steps:
            report(phase, step)
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"phase": "gan", "st')  # killed while writing
    reporter = Reporter(tmp_path, "gan", steps=40, start_step=15, batch_size=1)
    report("gan", 20)
    assert [(row["phase"], row["step"]) for row in rows(tmp_path)] == [
        *(("pretrain", step) for step in (10, 20, 30)),
        ("gan", 10),
        ("gan", 20),
    ]


FAST_SETTINGS = [
    *("generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4"),
    *("data.hr_patch_size=32", "data.batch_size=2", "data.synthetic_count=3", "data.synthetic_size=64"),
    *("reporting.log_every=1", "reporting.validate_every=2", "reporting.checkpoint_every=2"),
    *("pretrain.steps=2", "gan.steps=2", 'data.train=["synthetic"]'),
]


@pytest.mark.parametrize("preset", ["srgan_x4", "msrgan_x4"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_recipes_run_with_the_real_vgg19(tmp_path, vgg_weights, preset, precision):
    config = with_settings(presets.load_preset(preset), [*FAST_SETTINGS, f"precision={precision}"])
    training_run.run(config, tmp_path)
    gan = [row for row in rows(tmp_path) if row["phase"] == "gan" and "loss/generator/total" in row]
    assert len(gan) == 2
    for row in gan:
        assert row["loss/generator/perceptual"] > 0
        assert math.isfinite(row["loss/generator/total"])
    generator = load_generator(str(tmp_path))
    assert {layer.compute_dtype for layer in generator.layers if hasattr(layer, "compute_dtype")} == {"float32"}


def test_settings_reach_what_they_set(tmp_path, monkeypatch):
    """Each of these would otherwise be ignored without a sign."""
    seen = {}
    features, batches = training_run.vgg19_features, training_run.training_batches

    def watch_features(layer_names, **options):
        seen["vgg"] = layer_names, options
        return features(layer_names, **(options | {"weights": None}))

    def watch_batches(pairs, **options):
        seen["batches"] = options
        return batches(pairs, **options)

    def watch_state(config):
        seen["state"] = gan_state(config)
        return seen["state"]

    monkeypatch.setattr(training_run, "vgg19_features", watch_features)
    monkeypatch.setattr(training_run, "training_batches", watch_batches)
    monkeypatch.setattr(training_run, "gan_state", watch_state)
    config = with_settings(
        presets.msrgan_x4(),
        [
            *FAST_SETTINGS,
            *("precision=bfloat16", "data.augment=false", "seed=7", "pretrain.steps=0"),
            'gan.perceptual.layers={"block1_conv2": 1.0}',
        ],
    )
    training_run.run(config, tmp_path)
    assert seen["vgg"] == (["block1_conv2"], {"before_activation": True, "weights": "imagenet"})
    assert seen["batches"]["augment"] is False
    assert seen["batches"]["seed"] == (7, 1)
    assert seen["batches"]["batch_size"] == 2
    assert seen["state"].generator.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert seen["state"].discriminator.get_layer("conv1").compute_dtype == "bfloat16"


def test_several_sources_and_validation_pictures_of_ones_own(tmp_path, picture_folder):
    pairs = tmp_path / "pairs"
    for kind, size in (("HR", 48), ("LR", 12)):
        write_picture(pairs / kind / "pair.png", draw_picture(1, size, size))
    sources = json.dumps(["synthetic", str(picture_folder), str(pairs)])
    config = with_settings(
        presets.tiny(),
        [*FAST_SETTINGS, f"data.train={sources}", f"data.valid={json.dumps([str(pairs)])}", "gan.steps=0"],
    )
    assert training_run.run(config, tmp_path / "run").is_file()
    assert [path.name for path in (tmp_path / "run" / "samples").iterdir()] == ["pretrain-0000002-0-pair.png"]
    train_pairs, valid_pairs = load_datasets(config)
    assert len(train_pairs) == 3 + 12 + 1  # nothing is held out when there are pictures for validation
    assert [pair.name for pair in valid_pairs] == ["pair"]


def test_a_run_killed_before_its_generator_was_saved(tmp_path):
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, "gan.steps=0"])
    generator = training_run.run(config, tmp_path)
    before = load_generator(str(tmp_path)).get_weights()
    generator.unlink()
    assert training_run.run(config, tmp_path) == generator
    for old, new in zip(before, load_generator(str(tmp_path)).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    state = pretrain_state(with_settings(presets.tiny(), FAST_SETTINGS))
    checkpoints = Checkpoints(tmp_path, state, keep=2)
    checkpoints.save()
    state.step.assign(5)
    state.generator.get_layer("tail_conv").bias.assign([0.0, math.nan, 0.0])
    with pytest.raises(WorkError, match=r"diverged by step 5: tail_conv/bias is not finite"):
        checkpoints.save()
    assert [path.name for path in tmp_path.glob("*.index")] == ["ckpt-0.index"]


def test_a_failing_validation_does_not_cost_the_checkpoint(tmp_path, monkeypatch):
    def fail(*_):
        raise WorkError("out of memory")

    monkeypatch.setattr(training_run.evaluation, "evaluate", fail)
    config = with_settings(presets.tiny(), FAST_SETTINGS)
    with pytest.raises(WorkError, match="out of memory"):
        training_run.run(config, tmp_path)
    assert (tmp_path / "checkpoints" / "pretrain" / "ckpt-2.index").is_file()
