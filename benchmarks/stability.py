"""`python -m benchmarks stability`: trains a small network with every adversarial objective, and plots the losses.

    python -m benchmarks stability --data photos --valid benchmark/Set5 --ranker ranker.keras --output runs/stability

All runs start from one generator that was pretrained with a pixel loss. Apart from their objective they have the
settings of `msrgan_x4`. The perceptual loss uses a shallow layer, which is cheap; its value is about ten times that of
the presets. With the default weight of 0.01, the adversarial loss therefore has ten times its share in the presets;
with a weight of 1, a tenth. The same command continues an interrupted run.
"""

import pathlib

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

from srgan_tf.commands import cli
from srgan_tf.config import presets
from srgan_tf.config.overrides import with_settings
from srgan_tf.files import read_rows
from srgan_tf.training.run import run

SMALL = (
    "generator.num_blocks=2",
    "generator.num_filters=16",
    "discriminator.num_filters=8",
    "data.hr_patch_size=32",
    "data.batch_size=8",
    "data.valid_pictures=2",
    'gan.perceptual.layers={"block2_conv2": 1.0}',
    "gan.learning_rate.decay=constant",
    "ema_decay=0.98",
    "reporting.samples=0",
    "reporting.log_every=10",
)
PRETRAINED = ("pretrain.learning_rate.initial=1e-3", "pretrain.learning_rate.cycles=1", "pretrain.steps=300")
CRITIC = ("gan.adversarial=wgan_gp", "gan.gradient_penalty_weight=10", "gan.generator_every=5")
OBJECTIVES = {
    "vanilla": (),
    "relativistic average": ("gan.adversarial=ra",),
    "least squares": ("gan.adversarial=lsgan",),
    "hinge": ("gan.adversarial=hinge",),
    "WGAN-GP": (*CRITIC, "discriminator.normalization=layer"),
    "R1": ("gan.r1_weight=1", "discriminator.normalization=layer"),
    "U-Net, spectral norm": ("discriminator.name=unet",),
    "LDL": ("gan.adversarial=ra", "gan.artifact_weight=1"),
    "rank": ("gan.pixel_weight=0", "gan.rank_weight=0.24"),
}
PANELS = {
    "perceptual loss, relative to its start": ("loss/generator/perceptual", {"value": "linear"}),
    "discriminator's loss": ("loss/discriminator/total", {"value": "symlog", "linthresh": 2.0}),
    "norm of the generator's gradient": ("gradient_norm/generator", {"value": "log"}),
}


def main(arguments):
    """Trains and plots.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks stability")
    parser.add_argument("--data", required=True, help="pictures to train on")
    parser.add_argument("--valid", required=True, help="validation pictures")
    parser.add_argument("--ranker", help="ranker from srgan-tf rank; without it the objective rank is skipped")
    parser.add_argument(
        "--perceptual-weight", type=float, default=0.01, help="weight of the perceptual loss (%(default)s)"
    )
    parser.add_argument("--steps", type=int, default=300, help="steps of each GAN phase (%(default)s)")
    parser.add_argument("--output", type=pathlib.Path, required=True, help="folder of the runs, and of stability.svg")
    flags = parser.parse_args(arguments)
    data = [f'data.train=["{flags.data}"]', f'data.valid=["{flags.valid}"]']
    phase = [f"gan.steps={flags.steps}", f"gan.perceptual_weight={flags.perceptual_weight}", "pretrain.steps=0"]
    pretrained = flags.output / "pretrained"
    run(settings(*data, *PRETRAINED, "gan.steps=0"), pretrained)
    runs = {}
    for name, own in OBJECTIVES.items():
        if name == "rank":
            if not flags.ranker:
                continue
            own = (f"gan.ranker={flags.ranker}", *own)
        runs[name] = flags.output / name.split(",")[0].replace(" ", "_").lower()
        run(settings(*own, *data, *phase, f"init_generator={pretrained}"), runs[name])
    draw(runs, flags.output / "stability.svg")


def settings(*own):
    """The settings of one run; names of networks come first, since they reset the options of the network."""
    networks = [setting for setting in own if ".name=" in setting]
    others = [setting for setting in own if ".name=" not in setting]
    return with_settings(presets.msrgan_x4(), [*networks, *SMALL, *others])


def draw(runs, file):
    """Plots the losses and the norm of the generator's gradient over the steps."""
    figure, axes = pyplot.subplots(1, len(PANELS), figsize=(15, 4.5), layout="constrained")
    for (title, (tag, scale)), axis in zip(PANELS.items(), axes, strict=True):
        axis.set(title=title, xlabel="step of the GAN phase")
        axis.set_yscale(**scale)
        for name, workdir in runs.items():
            rows = read_rows(workdir / "metrics.jsonl")
            steps, values = zip(*((row["step"], row[tag]) for row in rows if tag in row), strict=True)
            values = [value / values[0] for value in values] if "start" in title else values
            axis.plot(steps, values, linewidth=1, label=name)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(file)
