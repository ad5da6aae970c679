"""A program for test_distribution.py: GAN steps of a small SRGAN under a strategy; one batch contains a NaN.

python replicas.py local FOLDER    one device, two replicas and two replicas in float16, in one process: single.npz,
                                   mirrored.npz and float16.npz; then the relativistic loss and WGAN-GP on one device
                                   and on two replicas: ra_single.npz, ra_mirrored.npz, ...
python replicas.py machines FILE   one of the machines of TF_CONFIG
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.distribution import choose_strategy, per_replica
from srgan_tf.training.objective import discriminator_terms, gan_terms
from srgan_tf.training.state import gan_state
from srgan_tf.training.steps import make_gan_step

BATCH, DAMAGED = 4, 7


def batches(steps):
    rng = np.random.default_rng(0)
    hr = rng.random((steps, BATCH, 32, 32, 3), np.float32)
    lr = hr.reshape(steps, BATCH, 8, 4, 8, 4, 3).mean((3, 5))
    lr[DAMAGED, -1, 3, 4, 0] = np.nan
    return tf.data.Dataset.from_tensor_slices((lr, hr))


CRITIC = ("gan.adversarial=wgan_gp", "gan.gradient_penalty_weight=10", "discriminator.normalization=layer")


def train(strategy, file, steps=20, settings=()):
    """Trains and saves losses, weights and Adam's moments."""
    keras.utils.set_random_seed(0)
    config = with_settings(
        presets.srgan_x4(),
        [
            *("precision=float32", "generator.num_blocks=1", "generator.num_filters=4", "discriminator.num_filters=4"),
            *("data.hr_patch_size=32", "gan.perceptual_weight=0", "gan.pixel_weight=1"),
            *settings,
        ],
    )
    with strategy.scope():
        state = gan_state(config)
        step = make_gan_step(state, gan_terms(config.gan), discriminator_terms(config.gan), ema_decay=0.9)
    reports = [step(*batch).scalars for batch in per_replica(strategy, batches(steps))]
    tags = ("loss/generator/total", "loss/discriminator/total", "logits/real", "logits/fake")
    losses = [[float(report[tag]) for tag in tags] for report in reports]
    losses[DAMAGED] = [0.0] * len(tags)
    weights = [strategy.experimental_local_results(weight.value) for weight in state.weights()]
    np.savez(
        file,
        losses=losses,
        skipped=[float(report["guard/skipped"]) for report in reports],
        replicas_are_equal=all((here.numpy() == there.numpy()).all() for here, *others in weights for there in others),
        **{f"weight{index}": local[0].numpy() for index, local in enumerate(weights)},
        # Adam's steps do not change with the scale of the gradients; its moments do.
        **{
            f"{name}_moment{index}": moment.numpy()
            for name in ("g", "d")
            for index, moment in enumerate(getattr(state, f"{name}_optimizer").variables[2:])
        },
    )


def train_on_this_machine(folder):
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    assert two.num_replicas_in_sync == 2
    train(tf.distribute.get_strategy(), f"{folder}/single.npz")
    train(two, f"{folder}/mirrored.npz")
    train(two, f"{folder}/float16.npz", steps=10, settings=["precision=float16"])
    for name, settings in (("ra", ["gan.adversarial=ra"]), ("wgan_gp", CRITIC)):
        train(tf.distribute.get_strategy(), f"{folder}/{name}_single.npz", steps=9, settings=settings)
        train(two, f"{folder}/{name}_mirrored.npz", steps=9, settings=settings)


def train_on_machines(file):
    strategy = choose_strategy()
    assert strategy.num_replicas_in_sync == 2
    train(strategy, file)


if __name__ == "__main__":
    {"local": train_on_this_machine, "machines": train_on_machines}[sys.argv[1]](sys.argv[2])
