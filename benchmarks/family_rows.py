"""The rows of `benchmarks family`: which phases of which presets are trained, and with which settings."""

import functools
from typing import NamedTuple

from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.training.names import GAN, PRETRAIN

# Neither those of other scales nor the diffusions, which start from a trained network and need far more steps.
NAMES = [
    name
    for name, preset in presets.PRESETS.items()
    if name != "tiny" and preset().scale == 4 and not preset().diffusion.steps
]
# The ranker of ranksrgan_x4 learns from the results of these: (preset, phase).
RANKED = (("msrgan_x4", PRETRAIN), ("msrgan_x4", GAN), ("esrgan_light_x4", GAN))

_BLOCKS = {"srresnet": 4, "compact": 4, "rrdbnet": 2, "srdensenet": 4, "wdsr": 4, "continuous": 4}
_SETTINGS = (
    "precision=bfloat16",
    "ema_decay=0.99",
    "data.hr_patch_size=64",
    "data.batch_size=8",
    "data.valid_pictures=2",
    "generator.num_filters=32",
    "discriminator.num_filters=32",
    "pretrain.learning_rate.initial=1e-3",
    "pretrain.learning_rate.decay=cosine",
    "pretrain.learning_rate.milestones=[]",
    "pretrain.learning_rate.cycles=1",
    "pretrain.learning_rate.final=1e-6",
    "pretrain.learning_rate.factor=0.5",
    "reporting.log_every=10",
    "reporting.validate_every=10000",
)


class Budget(NamedTuple):
    """Steps of the two phases."""

    pretrain: int
    gan: int


class Row(NamedTuple):
    """A phase of a preset, trained from one seed. Pretraining has the name of the first preset that starts from it."""

    preset: str
    phase: str
    seed: int

    @property
    def name(self):
        """The row's folder in each folder of results."""
        phase = ["pretrain"] if self.phase == PRETRAIN else []
        return "_".join([self.preset, *phase, *([f"seed{self.seed}"] if self.seed else [])])


def rows_of(names, seeds, budget):
    """The rows of some presets, in an order in which each follows those that it needs.

    Args:
        names: presets.
        seeds: number of seeds by preset; 1 for the others.
        budget: a `Budget`.
    """
    rows = {}
    for name in names:
        gan = load(name, budget).gan
        if gan.rank_weight:
            rows |= dict.fromkeys(row for preset, _ in RANKED for row in rows_of([preset], {}, budget))
        for seed in range(seeds.get(name, 1)):
            rows[start_of(Row(name, GAN, seed), budget)] = None
            if gan.steps:
                rows[Row(name, GAN, seed)] = None
    return list(rows)


def settings_of(name, budget):
    """The settings of a preset with a budget, as assignments like those of --set."""
    config = presets.load_preset(name)
    blocks = 1 if name == "esrgan_light_x4" else _BLOCKS[config.generator["name"]]
    steps = (budget.pretrain, budget.gan if config.gan.steps else 0)
    return [
        *(f"generator.num_blocks={blocks}", f"pretrain.steps={steps[0]}", f"gan.steps={steps[1]}"),
        *_SETTINGS,
    ]


@functools.cache
def load(name, budget):
    """The `Config` of a preset with a budget."""
    return with_settings(presets.load_preset(name), settings_of(name, budget))


def presets_of(row, budget):
    """The presets whose phase a row is: several share a pretraining."""
    if row.phase != PRETRAIN:
        return [row.preset]
    return [name for name in NAMES if start_of(Row(name, GAN, row.seed), budget) == row]


def start_of(row, budget):
    """The pretraining that a row starts from, under the name of the first preset with the same one."""

    def pretraining(name):
        config = load(name, budget)
        return config.generator, config.data, config.pretrain

    first = next(name for name in NAMES if pretraining(name) == pretraining(row.preset))
    return Row(first, PRETRAIN, row.seed)
