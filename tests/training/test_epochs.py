import pytest

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.epochs import epochs_of, with_steps


@pytest.mark.parametrize(
    ("epochs", "pictures", "batch_size", "steps"),
    [
        (2000, 800, 16, 100_000),  # the EN3160 report: DIV2K
        (1000, 800, 16, 50_000),
        (3, 7, 2, 11),  # 21 patches: 10.5 steps
        (0.5, 10, 4, 2),  # 5 patches: 1.25 steps
        (1, 1, 16, 1),
    ],
)
def test_steps_worked_by_hand(epochs, pictures, batch_size, steps):
    settings = [f"pretrain.epochs={epochs}", f"gan.epochs={epochs}", f"data.batch_size={batch_size}"]
    config = with_steps(with_settings(presets.srgan_x4(), settings), pictures)
    assert config.pretrain.steps == config.gan.steps == steps


def test_steps_as_epochs_worked_by_hand():
    assert epochs_of(100_000, 16, 800) == 2000
    assert epochs_of(1, 3, 4) == 0.75


def test_without_epochs_the_steps_stay():
    config = presets.srgan_x4()
    assert with_steps(config, 800) == config
    only_gan = with_steps(with_settings(config, ["gan.epochs=4"]), 8)
    assert (only_gan.pretrain, only_gan.gan.steps) == (config.pretrain, 2)
