import json
import math
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from srgan_tf import hardware
from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.config.schema import Config
from srgan_tf.data import pipeline
from srgan_tf.data.pairs import make_pair
from srgan_tf.data.synthetic import draw_picture
from srgan_tf.errors import UserError, WorkError
from srgan_tf.images.pictures import write_picture
from srgan_tf.images.pixels import to_float
from srgan_tf.inference.loading import load_upscaler
from srgan_tf.networks.generators import srresnet
from srgan_tf.networks.saved import load_generator
from srgan_tf.training import phase, validation
from srgan_tf.training import run as training_run
from srgan_tf.training.checkpoints import steps_in
from srgan_tf.training.datasets import load_datasets
from srgan_tf.training.state import gan_state
from srgan_tf.training.workdir import (
    check_workdir,
    git_commit,
    is_free,
    lock_workdir,
    record_session,
    resolved_precision,
    write_config,
)


def rows(workdir):
    return [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]


def test_a_run_writes_all_its_files(trained_run):
    assert sorted(path.name for path in trained_run.iterdir()) == [
        *(".lock", "checkpoints", "config.json", "generator.keras", "metrics.jsonl", "samples", "sessions.jsonl"),
        "tensorboard",
    ]
    assert steps_in(trained_run / "checkpoints" / "pretrain")[-1] == 12
    assert steps_in(trained_run / "checkpoints" / "gan")[-1] == 8
    best = load_upscaler(str(trained_run / "checkpoints" / "gan" / "0000008"))
    assert best.upscale(np.zeros((5, 6, 3), np.uint8)).shape == (20, 24, 3)
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
    assert {
        *("learning_rate/discriminator", "logits/real", "accuracy/fake", "gradient_norm/discriminator"),
        *("speed/images_per_second", "speed/data_wait", "memory/peak_gib", "guard/skipped"),
        *("eval/psnr_y", "eval/ssim_y", "eval/colour_drift", "alarm/colour_drift", "alarm/discriminator"),
    } <= tags


def test_tensorboard_has_scalars_and_pictures(trained_run):
    tags = {}
    for name in ("pretrain", "gan"):
        (file,) = (trained_run / "tensorboard" / name).iterdir()
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                tags.setdefault((name, value.tag), []).append(event.step)
    assert tags["pretrain", "loss/generator/total"] == list(range(2, 13, 2))
    assert tags["gan", "loss/discriminator/total"] == list(range(2, 9, 2))
    assert tags["gan", "samples/0-0000"] == [6, 8]
    assert tags["gan", "eval/psnr_y"] == [6, 8]
    assert tags["gan", "logits_histogram/real"] == [2, 4, 6, 8]
    assert tags["gan", "config"] == [0]


def test_a_finished_run_is_left_as_it_is(trained_run, monkeypatch):
    before = {path: path.read_bytes() for path in trained_run.rglob("*") if path.is_file()}
    settings = json.loads((trained_run / "config.json").read_text())
    for work in ("load_datasets", "perceptual_features", "_STATES"):
        monkeypatch.delattr(training_run, work)
    training_run.run(Config.from_dict(settings), trained_run)
    assert before == {path: path.read_bytes() for path in trained_run.rglob("*") if path.is_file()}


def test_a_session_is_recorded(trained_run):
    (session,) = [json.loads(line) for line in (trained_run / "sessions.jsonl").read_text().splitlines()]
    assert session["versions"]["tensorflow"] == tf.__version__
    assert session["replicas"] == 1
    assert session["device"].startswith("CPU") or tf.config.list_physical_devices("GPU")
    assert len(session["data"]) == 64
    assert session.keys() >= {"start", "command", "git_commit", "host"}


def test_a_change_of_training_pictures_is_reported(tmp_path, caplog):
    pairs = [make_pair(str(index), draw_picture(index, 32, 32), 4) for index in range(2)]
    record_session(tmp_path, pairs, replicas=1)
    record_session(tmp_path, list(pairs), replicas=1)
    assert caplog.text == ""
    pairs[1] = make_pair("1", draw_picture(2, 32, 32), 4)
    record_session(tmp_path, pairs, replicas=1)
    assert "not those of the last session" in caplog.text


@pytest.mark.slow
def test_precision_jit_and_micro_batches_may_change_on_resume(tmp_path):
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, "gan.steps=0", "reporting.validate_every=99"])
    training_run.run(config, tmp_path)
    (tmp_path / "metrics.jsonl").unlink()  # so that it is not finished
    other = with_settings(config, ["precision=bfloat16", "micro_batches=2", "jit=on", "max_skipped=3"])
    assert training_run.run(other, tmp_path).is_file()
    assert json.loads((tmp_path / "config.json").read_text())["micro_batches"] == 2


@pytest.mark.usefixtures("eager_steps")
def test_a_full_disk_is_reported(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "metrics.jsonl")

    monkeypatch.setattr(phase.Reporter, "_write", full)
    with pytest.raises(WorkError, match=r"No space left on device: 'metrics\.jsonl'"):
        training_run.run(with_settings(presets.tiny(), FAST_SETTINGS), tmp_path)


def test_a_damaged_session_record_is_dropped(tmp_path):
    pairs = [make_pair("0", draw_picture(0, 32, 32), 4)]
    record_session(tmp_path, pairs, replicas=1)
    with (tmp_path / "sessions.jsonl").open("ab") as file:
        file.write(b"\0\0\xff\n")
    record_session(tmp_path, pairs, replicas=1)
    assert len((tmp_path / "sessions.jsonl").read_text().splitlines()) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_two_processes_do_not_share_a_folder(tmp_path):
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, "gan.steps=0"])
    with lock_workdir(tmp_path), pytest.raises(UserError, match="another process is training in"):
        training_run.run(config, tmp_path)
    assert training_run.run(config, tmp_path).is_file()


def test_another_runs_folder_is_refused(trained_run):
    config = Config.from_dict(json.loads((trained_run / "config.json").read_text()))
    other = with_settings(config, ["gan.steps=9", "seed=3"])
    with pytest.raises(UserError, match=r"gan\.steps was 8, is 9; seed was 0, is 3"):
        training_run.run(other, trained_run)


def test_free_settings_are_matched_exactly():
    free = ("jit", "precision", "data.cache", "reporting.log_every")
    fixed = ("jitter", "precision_of_x", "data.cached", "reporting_x", "data.jit", "seed")
    assert all(is_free(name) for name in free)
    assert not any(is_free(name) for name in fixed)


def test_the_recorded_commit_is_the_packages_own(tmp_path):
    def git(*command):
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        return subprocess.run(
            ["git", "-C", tmp_path, *identity, *command], check=True, capture_output=True, text=True
        ).stdout.strip()

    package = tmp_path / "site-packages" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (tmp_path / "other.py").write_text("")
    git("init")
    git("add", "other.py")
    git("commit", "-m", "another project")
    assert git_commit(package) is None
    git("add", "site-packages")
    git("commit", "-m", "the package too")
    assert git_commit(package) == git("rev-parse", "HEAD")
    (package / "__init__.py").write_text("changed = True")
    assert git_commit(package) == git("rev-parse", "HEAD") + "+"


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b'{"no_such_setting": 1}'])
def test_an_invalid_config_file_is_reported(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(UserError, match=r"config\.json' is not a run's config.json"):
        check_workdir(presets.tiny(), tmp_path)


def test_settings_missing_in_an_older_config_do_not_block_resuming(tmp_path):
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


@pytest.mark.parametrize("name", ["generator.keras", "checkpoints", "samples", "metrics.jsonl", "sessions.jsonl"])
def test_a_workdir_with_files_of_a_runs_names_but_no_settings(tmp_path, name):
    (tmp_path / "log.txt").write_text("output of the command")
    check_workdir(presets.tiny(), tmp_path)
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"has '{name}' but no config.json, so it is not a run folder"):
        check_workdir(presets.tiny(), tmp_path)


def test_a_workdir_that_overlaps_its_data(tmp_path):
    (tmp_path / "photos" / "samples").mkdir(parents=True)
    for data, workdir in (("photos", "photos"), ("photos", "photos/run"), ("photos/samples", "photos")):
        config = with_settings(presets.tiny(), [f'data.train=["{tmp_path / data}"]'])
        with pytest.raises(UserError, match=r"overlaps the input .*: give another --workdir"):
            check_workdir(config, tmp_path / workdir)
    check_workdir(with_settings(presets.tiny(), [f'data.train=["{tmp_path / "photos"}"]']), tmp_path)


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


def test_a_run_without_steps_is_refused(tmp_path):
    config = with_settings(presets.tiny(), ["pretrain.steps=0", "gan.steps=0"])
    with pytest.raises(UserError, match="nothing to train"):
        training_run.run(config, tmp_path / "run")


FAST_SETTINGS = [
    *("generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4"),
    *("data.hr_patch_size=32", "data.batch_size=2", "data.synthetic_count=3", "data.synthetic_size=64"),
    *("reporting.log_every=1", "reporting.validate_every=2", "reporting.checkpoint_every=2"),
    *("pretrain.steps=2", "gan.steps=2", 'data.train=["synthetic"]'),
]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
@pytest.mark.parametrize("preset", ["srgan_x4", "msrgan_x4"])
@pytest.mark.parametrize(
    "precision", ["bfloat16", *(pytest.param(name, marks=pytest.mark.soak) for name in ("float32", "float16"))]
)
def test_recipes_run_with_the_real_vgg19(tmp_path, vgg_weights, preset, precision):
    # float16 begins with a loss scale that overflows a few times before it fits.
    steps = 8 if precision == "float16" else 2
    config = with_settings(
        presets.load_preset(preset), [*FAST_SETTINGS, f"precision={precision}", f"gan.steps={steps}"]
    )
    training_run.run(config, tmp_path)
    gan = [row for row in rows(tmp_path) if row["phase"] == "gan" and "guard/skipped" in row]
    assert len(gan) == steps
    trained = [row for row in gan if not row["guard/skipped"]]
    assert len(trained) == steps if precision != "float16" else trained
    for row in trained:
        assert row["loss/generator/perceptual"] > 0
        assert math.isfinite(row["loss/generator/total"])
    generator = load_generator(str(tmp_path))
    assert {layer.compute_dtype for layer in generator.layers if hasattr(layer, "compute_dtype")} == {"float32"}


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_settings_reach_the_networks_features_and_batches(tmp_path, monkeypatch):
    """If one of these settings did not reach its function, nothing else would fail."""
    seen = {}
    features, crop_batch = training_run.vgg19_features, pipeline.crop_batch

    def watch_features(layer_names, **options):
        seen["vgg"] = layer_names, options
        return features(layer_names, **(options | {"weights": None}))

    def watch_batches(pairs, step, **options):
        seen["batches"] = options
        return crop_batch(pairs, step, **options)

    def watch_state(config):
        seen["state"] = gan_state(config)
        return seen["state"]

    monkeypatch.setattr(training_run, "vgg19_features", watch_features)
    monkeypatch.setattr(pipeline, "crop_batch", watch_batches)
    monkeypatch.setitem(training_run._STATES, "gan", watch_state)
    config = with_settings(
        presets.msrgan_x4(),
        [
            *FAST_SETTINGS,
            *("precision=bfloat16", "data.augment=false", "seed=7", "pretrain.steps=0"),
            'gan.perceptual.layers={"block1_conv2": 1.0}',
        ],
    )
    training_run.run(config, tmp_path)
    expected = {"before_activation": True, "weights": "imagenet", "precision": "bfloat16"}
    assert seen["vgg"] == (["block1_conv2"], expected)
    assert seen["batches"]["augment"] is False
    assert seen["batches"]["seed"] == (7, 1)
    assert seen["batches"]["batch_size"] == 2
    assert seen["state"].generator.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert seen["state"].discriminator.get_layer("conv1").compute_dtype == "bfloat16"


@pytest.mark.usefixtures("eager_steps")
def test_several_sources_and_separate_validation_pictures(tmp_path, picture_folder):
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
    train_pictures, valid_pairs = load_datasets(config)
    assert len(train_pictures) == 3 + 12 + 1  # nothing is held out when there are pictures for validation
    assert [pair.name for pair in valid_pairs] == ["pair"]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_a_run_killed_before_saving_its_generator_saves_it_on_resume(tmp_path):
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, "gan.steps=0"])
    generator = training_run.run(config, tmp_path)
    before = load_generator(str(tmp_path)).get_weights()
    generator.unlink()
    assert training_run.run(config, tmp_path) == generator
    for old, new in zip(before, load_generator(str(tmp_path)).get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_a_failed_validation_keeps_the_checkpoint_and_is_repeated(tmp_path, monkeypatch):
    def fail(*_):
        raise WorkError("out of memory")

    monkeypatch.setattr(validation.scoring, "upscale", fail)
    config = with_settings(presets.tiny(), FAST_SETTINGS)
    with pytest.raises(WorkError, match="out of memory"):
        training_run.run(config, tmp_path)
    assert steps_in(tmp_path / "checkpoints" / "pretrain") == [0, 2]
    # The next session repeats the validation.
    monkeypatch.undo()
    training_run.run(config, tmp_path)
    assert [(row["phase"], row["step"]) for row in rows(tmp_path) if "eval/psnr_y" in row] == [
        ("pretrain", 2),
        ("gan", 2),
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_init_generator_sets_the_initial_weights(tmp_path):
    first = with_settings(presets.tiny(), [*FAST_SETTINGS, "gan.steps=0"])
    training_run.run(first, tmp_path / "first")
    second = with_settings(
        presets.tiny(),
        [
            *(*FAST_SETTINGS, "pretrain.steps=0", "gan.steps=1", "gan.learning_rate.initial=1e-12", "ema_decay=0"),
            f"init_generator={tmp_path / 'first'}",
        ],
    )
    training_run.run(second, tmp_path / "second")
    for old, new in zip(
        *(load_generator(str(tmp_path / name)).get_weights() for name in ("first", "second")), strict=True
    ):
        np.testing.assert_allclose(old, new, atol=1e-9)
    other = with_settings(second, ["generator.num_filters=5"])
    with pytest.raises(UserError, match="not the generator that the settings describe"):
        training_run.run(other, tmp_path / "third")


def damage_batches(monkeypatch, steps, sessions=1):
    """Puts a NaN into the batches of some steps, in the first `sessions` calls of `TrainingPictures.batches`."""
    batches, calls = pipeline.TrainingPictures.batches, []

    def damaged(pictures, first_step, last_step, seed):
        calls.append({"first_step": first_step, "seed": seed})
        made = batches(pictures, first_step, last_step, seed)
        if len(calls) > sessions:
            return made

        def damage(index, batch):
            lr, hr = batch
            wrong = tf.reduce_any(index + first_step == tf.constant(steps, tf.int64))
            return tf.where(wrong, math.nan, to_float(lr)), hr

        return made.enumerate().map(damage)

    monkeypatch.setattr(pipeline.TrainingPictures, "batches", damaged)
    return calls


GUARDED = [
    *("gan.steps=0", "pretrain.steps=12", "max_skipped=3"),
    *("reporting.log_every=2", "reporting.validate_every=12", "reporting.checkpoint_every=4"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_damaged_batches_are_skipped_and_counted(tmp_path, monkeypatch):
    damage_batches(monkeypatch, [2, 3, 9])
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, *GUARDED])
    training_run.run(config, tmp_path)
    reports = [row for row in rows(tmp_path) if "guard/skipped" in row]
    assert [row["guard/skipped"] for row in reports] == [0, 2, 0, 0, 1, 0]
    assert "loss/generator/total" not in reports[1]  # nothing to average
    assert math.isfinite(reports[4]["loss/generator/total"])
    assert all(np.isfinite(weight).all() for weight in load_generator(str(tmp_path)).get_weights())


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_repeated_nonfinite_steps_roll_back_to_the_checkpoint_once(tmp_path, monkeypatch, caplog):
    calls = damage_batches(monkeypatch, [5, 6, 7])
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, *GUARDED])
    training_run.run(config, tmp_path)
    assert "the gradients of the last 3 steps were not finite" in caplog.text
    assert "Going back to step 4, once, with other crops" in caplog.text
    assert [(call["first_step"], call["seed"]) for call in calls] == [(0, (0, 0)), (4, (0, 0, 1))]
    assert [row["step"] for row in rows(tmp_path) if "guard/skipped" in row] == [2, 4, 6, 8, 10, 12]


@pytest.mark.slow
@pytest.mark.usefixtures("eager_steps")
def test_a_second_divergence_stops_the_run_with_advice(tmp_path, monkeypatch):
    damage_batches(monkeypatch, [5, 6, 7, 8, 9, 10], sessions=2)
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, *GUARDED])
    with pytest.raises(WorkError, match=r"diverged by step 8: .* try --precision float32, or a lower learning rate"):
        training_run.run(config, tmp_path)
    assert steps_in(tmp_path / "checkpoints" / "pretrain")[-1] == 4
    assert all(np.isfinite(weight).all() for weight in load_generator(str(tmp_path)).get_weights())


@pytest.mark.slow
def test_a_profile_is_written(tmp_path):
    config = with_settings(
        presets.tiny(), [*FAST_SETTINGS, "gan.steps=0", "pretrain.steps=21", "reporting.profile=true"]
    )
    training_run.run(config, tmp_path)
    assert list((tmp_path / "tensorboard" / "pretrain" / "plugins" / "profile").rglob("*.xplane.pb"))


def test_init_generator_with_equal_shapes_but_another_architecture_is_refused(tmp_path):
    # srresnet_x4 has no skip, but a tanh.
    skip = srresnet(num_blocks=1, num_filters=8, output_activation="linear", bilinear_skip=True)
    skip.save(tmp_path / "skip.keras")
    config = with_settings(
        presets.srresnet_x4(),
        [
            *(f"init_generator={tmp_path / 'skip.keras'}", "generator.num_blocks=1", "generator.num_filters=8"),
            *('data.train=["synthetic"]', "data.synthetic_count=1", "data.synthetic_size=96"),
        ],
    )
    with pytest.raises(UserError, match=r"skip\.keras' is not the generator that the settings describe"):
        training_run.run(config, tmp_path / "run")


@pytest.mark.slow
def test_lengths_in_epochs(tmp_path):
    """2.5 epochs of 4 pictures in batches of 4 are 3 steps; a finished run stays as it is."""
    lengths = ["gan.steps=0", "pretrain.epochs=2.5", "data.synthetic_count=4", "data.batch_size=4"]
    config = with_settings(presets.tiny(), [*FAST_SETTINGS, *lengths])
    generator = training_run.run(config, tmp_path).read_bytes()
    assert steps_in(tmp_path / "checkpoints" / "pretrain")[-1] == 3
    settings = json.loads((tmp_path / "config.json").read_text())
    assert (settings["pretrain"]["epochs"], settings["pretrain"]["steps"]) == (2.5, config.pretrain.steps)
    rows = (tmp_path / "metrics.jsonl").read_text()
    assert training_run.run(config, tmp_path).read_bytes() == generator
    assert (tmp_path / "metrics.jsonl").read_text() == rows


def test_the_precision_auto_is_resolved_once(tmp_path, monkeypatch):
    auto = presets.srgan_x4()
    monkeypatch.setattr(hardware, "fast_precision", lambda: "bfloat16")
    assert resolved_precision(auto, tmp_path) == "bfloat16"
    seen = []
    monkeypatch.setattr(training_run, "_run", lambda config, *_: seen.append(config) or write_config(config, tmp_path))
    training_run.run(auto, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["precision"] == "bfloat16"
    # Resumed on another device: the run's precision, unless another one is asked for.
    monkeypatch.setattr(hardware, "fast_precision", lambda: "float32")
    training_run.run(auto, tmp_path)
    training_run.run(with_settings(auto, ["precision=float16"]), tmp_path)
    assert [config.precision for config in seen] == ["bfloat16", "bfloat16", "float16"]
