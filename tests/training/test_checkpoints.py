import numpy as np
import pytest

from srgan_tf import presets
from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.settings import with_settings
from srgan_tf.training.checkpoints import Checkpoints, has_checkpoint
from srgan_tf.training.objective import gan_terms
from srgan_tf.training.state import gan_state
from srgan_tf.training.steps import make_gan_step


def all_variables(state):
    parts = (state.generator, state.generator_ema, state.discriminator, state.g_optimizer, state.d_optimizer)
    return [np.asarray(variable.numpy()) for part in parts for variable in part.variables] + [state.step.numpy()]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_everything_comes_back(tmp_path, rng, precision):
    config = with_settings(
        presets.tiny(),
        [
            *("generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4"),
            *("data.hr_patch_size=32", f"precision={precision}"),
        ],
    )
    state = gan_state(config)
    step = make_gan_step(state, gan_terms(config.gan), ADVERSARIAL_LOSSES["vanilla"], ema_decay=0.9)
    lr, hr = rng.random((2, 8, 8, 3), np.float32), rng.random((2, 32, 32, 3), np.float32)
    assert not has_checkpoint(tmp_path)
    for _ in range(3):
        step(lr, hr)
        Checkpoints(tmp_path, state, keep=2).save()
    assert has_checkpoint(tmp_path)
    assert len(list(tmp_path.glob("*.index"))) == 2

    restored = gan_state(config)
    assert Checkpoints(tmp_path, restored, keep=2).restore() == 3
    for before, after in zip(all_variables(state), all_variables(restored), strict=True):
        np.testing.assert_array_equal(before, after)
    # And the next step is the same step.
    step(lr, hr)
    make_gan_step(restored, gan_terms(config.gan), ADVERSARIAL_LOSSES["vanilla"], ema_decay=0.9)(lr, hr)
    for before, after in zip(all_variables(state), all_variables(restored), strict=True):
        np.testing.assert_array_equal(before, after)


def test_nothing_to_restore(tmp_path):
    config = with_settings(presets.tiny(), ["generator.num_blocks=1", "generator.num_filters=4"])
    assert Checkpoints(tmp_path, gan_state(config), keep=1).restore() == 0
