import functools
import json
import math
import pathlib
import resource
import signal

import numpy as np
import pytest

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.errors import WorkError
from srgan_tf.networks.saved import load_generator
from srgan_tf.training import checkpoints
from srgan_tf.training.checkpoints import Checkpoints, DivergedError, steps_in
from srgan_tf.training.objective import discriminator_terms, gan_terms
from srgan_tf.training.state import gan_state, pretrain_state
from srgan_tf.training.steps import make_gan_step

SMALL = [
    *("generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4", "data.hr_patch_size=32"),
]


def all_variables(state):
    parts = (state.generator, state.generator_ema, state.discriminator, state.g_optimizer, state.d_optimizer)
    counters = (state.step, state.skipped, state.skipped_in_a_row, state.rollbacks)
    scales = (*state.g_loss_scale.variables, *state.d_loss_scale.variables)
    return [np.asarray(variable.numpy()) for part in parts for variable in part.variables] + [
        variable.numpy() for variable in (*counters, *scales)
    ]


@functools.cache
def _built():
    state = pretrain_state(with_settings(presets.tiny(), SMALL))
    return state, [(variable, variable.numpy().copy()) for variable in _variables(state)]


def _variables(state):
    counters = (state.step, state.skipped, state.skipped_in_a_row, state.rollbacks)
    return [*state.weights(), *state.g_optimizer.variables, *state.g_loss_scale.variables, *counters]


@pytest.fixture
def state():
    """A pretraining state: built once, reset for each test."""
    state, initial = _built()
    for variable, value in initial:
        variable.assign(value)
    return state


def save_at(checkpoints, state, *steps):
    for step in steps:
        state.step.assign(step)
        checkpoints.save()


@pytest.mark.usefixtures("eager_steps")
@pytest.mark.parametrize("precision", ["float32", pytest.param("float16", marks=pytest.mark.slow)])
def test_restored_state_is_identical_and_takes_the_same_next_step(tmp_path, rng, precision):
    config = with_settings(presets.tiny(), [*SMALL, f"precision={precision}"])
    state = gan_state(config)
    step = make_gan_step(state, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9)
    lr, hr = rng.random((2, 8, 8, 3), np.float32), rng.random((2, 32, 32, 3), np.float32)
    assert steps_in(tmp_path) == []
    for _ in range(3):
        step(lr, hr)
        Checkpoints(tmp_path, state, keep=2).save()
    assert steps_in(tmp_path) == [2, 3]

    restored = gan_state(config)
    assert Checkpoints(tmp_path, restored, keep=2).restore() == 3
    for before, after in zip(all_variables(state), all_variables(restored), strict=True):
        np.testing.assert_array_equal(before, after)
    # And the next step is the same step.
    step(lr, hr)
    make_gan_step(restored, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9)(lr, hr)
    for before, after in zip(all_variables(state), all_variables(restored), strict=True):
        np.testing.assert_array_equal(before, after)


def test_restore_returns_none_without_a_checkpoint(tmp_path, state):
    assert Checkpoints(tmp_path / "none", state, keep=1).restore() is None


def test_a_checkpoint_folder_loads_as_a_generator(tmp_path, state):
    save_at(Checkpoints(tmp_path, state, keep=1), state, 7)
    for saved, weight in zip(load_generator(tmp_path / "0000007").weights, state.generator_ema.weights, strict=True):
        np.testing.assert_array_equal(saved.numpy(), weight.numpy())


@pytest.mark.parametrize("file", ["state.data-00000-of-00001", "state.index", "generator.keras", "sha256.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "lost"])
def test_a_damaged_checkpoint_is_reported_and_the_previous_one_restored(tmp_path, state, caplog, file, damage):
    checkpoints = Checkpoints(tmp_path, state, keep=3)
    save_at(checkpoints, state, 1, 2)
    path = tmp_path / "0000002" / file
    content = path.read_bytes()
    if damage == "lost":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    assert checkpoints.restore() == 1
    assert "0000002 is damaged" in caplog.text
    # The next save removes it, and its step can be saved again.
    save_at(checkpoints, state, 2)
    assert checkpoints.restore() == 2


def test_restore_fails_if_every_checkpoint_is_damaged(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, state, keep=3)
    save_at(checkpoints, state, 1)
    (tmp_path / "0000001" / "state.index").unlink()
    with pytest.raises(WorkError, match=r"all checkpoints in .* are damaged"):
        checkpoints.restore()


def test_leftovers_of_a_killed_save_are_ignored_and_removed(tmp_path, state):
    (tmp_path / ".unfinished-123").mkdir()
    (tmp_path / ".unfinished-123" / "state.index").write_text("half")
    (tmp_path / ".unfinished-124.json").write_text("half")
    checkpoints = Checkpoints(tmp_path, state, keep=3)
    assert checkpoints.restore() is None
    save_at(checkpoints, state, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["0000004"]


def test_a_kill_during_replacement_keeps_the_old_checkpoint(tmp_path, state, monkeypatch):
    checkpoints = Checkpoints(tmp_path, state, keep=3)
    save_at(checkpoints, state, 4)
    rename = pathlib.Path.rename

    def killed(path, target):
        if path.name.startswith(".unfinished"):
            raise KeyboardInterrupt
        rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        save_at(checkpoints, state, 4)
    monkeypatch.undo()
    assert steps_in(tmp_path) == []
    assert checkpoints.restore() == 4
    save_at(checkpoints, state, 4)
    assert [path.name for path in tmp_path.iterdir()] == ["0000004"]


def test_a_kill_during_removal_leaves_no_damaged_checkpoint(tmp_path, state, monkeypatch):
    saved = Checkpoints(tmp_path, state, keep=2)
    save_at(saved, state, 4, 6)

    def killed(folder):
        if folder.exists():
            (folder / "state.index").unlink()
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "remove_folder", killed)
    with pytest.raises(KeyboardInterrupt):
        save_at(saved, state, 8)
    monkeypatch.undo()
    assert steps_in(tmp_path) == [6, 8]
    assert Checkpoints(tmp_path, state, keep=2).restore() == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000006", "0000008"]


def test_a_checkpoint_of_another_version_is_refused(tmp_path, state):
    save_at(Checkpoints(tmp_path, state, keep=3), state, 4)
    with pytest.raises(WorkError, match="is of another version of this program"):
        Checkpoints(tmp_path, gan_state(with_settings(presets.tiny(), SMALL)), keep=3).restore()


def test_the_newest_and_the_best_checkpoints_are_kept(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, state, keep=2, best={"psnr_y": True, "perceptual": False})
    scores = {1: (20.0, 0.5), 2: (25.0, 0.4), 3: (24.0, 0.2), 4: (23.0, 0.3), 5: (22.0, math.nan), 6: (21.0, 0.6)}
    for step, (psnr, perceptual) in scores.items():
        save_at(checkpoints, state, step)
        checkpoints.record_scores({"psnr_y": psnr, "perceptual": perceptual, "ssim_y": 0.9})
    assert steps_in(tmp_path) == [2, 3, 5, 6]
    assert json.loads((tmp_path / "best.json").read_text()) == {
        "psnr_y": {"step": 2, "score": 25.0},
        "perceptual": {"step": 3, "score": 0.2},
    }


def test_a_best_score_saves_a_checkpoint(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, state, keep=1, best={"psnr_y": True})
    save_at(checkpoints, state, 1)
    checkpoints.record_scores({"psnr_y": 20.0})
    state.step.assign(2)
    checkpoints.record_scores({"psnr_y": 19.0})
    state.step.assign(3)
    checkpoints.record_scores({"psnr_y": 21.0})
    assert steps_in(tmp_path) == [3]


def test_best_scores_of_rolled_back_steps_are_dropped(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, state, keep=9, best={"psnr_y": True})
    for step, psnr in ((1, 20.0), (2, 30.0)):
        save_at(checkpoints, state, step)
        checkpoints.record_scores({"psnr_y": psnr})
    state.step.assign(1)
    checkpoints.record_scores({"psnr_y": 21.0})
    save_at(checkpoints, state, 1)
    assert steps_in(tmp_path) == [1]


def test_weights_that_are_not_finite_are_not_saved(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, state, keep=2)
    save_at(checkpoints, state, 1)
    state.step.assign(5)
    state.generator.get_layer("tail_conv").bias.assign([0.0, math.nan, 0.0])
    with pytest.raises(DivergedError, match=r"diverged by step 5: tail_conv/bias is not finite"):
        checkpoints.save()
    assert steps_in(tmp_path) == [1]


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path, state):
    """A limit on the file size fails in the middle of writing, like a full disk."""
    checkpoints = Checkpoints(tmp_path, state, keep=2)
    save_at(checkpoints, state, 1)
    state.step.assign(2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        with pytest.raises(WorkError, match=r"cannot save a checkpoint in .* Earlier checkpoints are intact"):
            checkpoints.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert [path.name for path in tmp_path.iterdir()] == ["0000001"]
    assert checkpoints.restore() == 1
    save_at(checkpoints, state, 2)
    assert checkpoints.restore() == 2


def test_a_process_other_than_the_chief_writes_nothing(tmp_path, state):
    checkpoints = Checkpoints(tmp_path, state, keep=2, best={"psnr_y": True}, writes=False)
    checkpoints.save()
    checkpoints.record_scores({"psnr_y": 20.0})
    assert list(tmp_path.iterdir()) == []
