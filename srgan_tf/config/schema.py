"""Every setting of a training run: its default, type, range and meaning.

Settings are frozen dataclasses that pydantic checks when they are made. A generator's and a discriminator's own options
are not listed here: they are the keyword arguments of the function that builds it, with its defaults and types.
"""

import inspect
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from srgan_tf.data.degradations import DEGRADATIONS
from srgan_tf.errors import UserError
from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.losses.perceptual import PAPER_FEATURE_SCALE
from srgan_tf.losses.pixel import PIXEL_LOSSES
from srgan_tf.networks.discriminators import DISCRIMINATORS
from srgan_tf.networks.generators import GENERATORS

_settings = pydantic.dataclasses.dataclass(
    frozen=True,
    kw_only=True,
    config=pydantic.ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False),
)

PixelLoss = Literal[tuple(PIXEL_LOSSES)]
Fraction = Annotated[float, Field(gt=0, lt=1)]


@_settings
class LearningRate:
    """A learning rate over one phase. Its places are fractions of the phase, so that a shorter run keeps the shape."""

    initial: PositiveFloat = 1e-4
    """learning rate of the first step"""
    decay: Literal["constant", "step", "cosine"] = "constant"
    """"step" multiplies by `factor` at each milestone, "cosine" falls to `final` in each of `cycles`"""
    milestones: tuple[Fraction, ...] = ()
    """fractions of the phase, ascending"""
    factor: PositiveFloat = 0.1
    """what a milestone multiplies by"""
    cycles: PositiveInt = 1
    """cosine cycles, each starting at `initial` again"""
    final: NonNegativeFloat = 0.0
    """where a cosine cycle ends"""

    def __post_init__(self):
        if list(self.milestones) != sorted(set(self.milestones)):
            raise UserError(f"milestones of a learning rate must ascend (received {list(self.milestones)})")
        if self.decay == "cosine" and self.final > self.initial:
            raise UserError(f"a cosine must end at or below its start {self.initial} (received final={self.final})")


@_settings
class Data:
    """Where the pictures come from, and the patches cut from them."""

    train: Annotated[tuple[str, ...], Field(min_length=1)] = ("div2k",)
    """sources: div2k, synthetic, or folders of pictures; --data sets it"""
    valid: tuple[str, ...] = ()
    """sources; none: the training sources' own validation pictures, or a few of theirs held out"""
    valid_pictures: PositiveInt = 10
    """at most so many pictures are scored while training"""
    hr_patch_size: PositiveInt = 96
    """side of the square HR patches, pixels"""
    batch_size: PositiveInt = 16
    """patches a step"""
    augment: bool = True
    """mirror and turn the patches"""
    degradation: Literal[tuple(DEGRADATIONS)] = "bicubic"
    """how LR is made: "bicubic" as for benchmarks; "realistic" for photographs as they are, from HR alone"""
    clean_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    """share of patches that degradation=realistic degrades lightly or not at all"""
    store: Literal["auto", "memory", "disk"] = "auto"
    """where decoded training pictures are kept; "auto" is memory if they take at most half of what is free there"""
    cache: str = ""
    """folder for those on disk; "" is srgan_tf in the user's cache folder"""
    synthetic_count: PositiveInt = 64
    """training pictures that the source "synthetic" draws"""
    synthetic_size: Annotated[int, Field(ge=32)] = 192
    """their side, pixels"""

    def __post_init__(self):
        if self.clean_fraction and self.degradation != "realistic":
            raise UserError(f"data.clean_fraction needs data.degradation=realistic (received {self.degradation!r})")


@_settings
class Pretrain:
    """The first phase: the generator alone, on a pixel loss."""

    steps: NonNegativeInt = 1_000_000
    """steps; 0 leaves the phase out"""
    loss: PixelLoss = "mse"
    """pixel loss"""
    learning_rate: LearningRate = LearningRate()


@_settings
class Perceptual:
    """The distance of VGG19's features."""

    layers: Annotated[dict[str, PositiveFloat], Field(min_length=1)] = Field(
        default_factory=lambda: {"block5_conv4": 1.0}
    )
    """VGG19 layers by Keras's names, each with its weight"""
    before_activation: bool = False
    """compare the convolutions' outputs instead of what their ReLU leaves"""
    distance: PixelLoss = "mse"
    """distance of the features"""
    feature_scale: PositiveFloat = PAPER_FEATURE_SCALE
    """multiplies the features first"""
    weights: str = "imagenet"
    """"imagenet" or the path of a weights file"""


@_settings
class Gan:
    """The second phase: generator against discriminator. The weights multiply the terms of the generator's loss."""

    steps: NonNegativeInt = 200_000
    """steps; 0 leaves the phase out"""
    learning_rate: LearningRate = LearningRate(decay="step", milestones=(0.5,), factor=0.1)
    pixel: PixelLoss = "mse"
    """pixel loss"""
    pixel_weight: NonNegativeFloat = 0.0
    """its weight"""
    perceptual: Perceptual = Perceptual()
    perceptual_weight: NonNegativeFloat = 1.0
    """weight of the VGG19 term; 0 needs no VGG19"""
    adversarial: Literal[tuple(ADVERSARIAL_LOSSES)] = "vanilla"
    """adversarial objective"""
    adversarial_weight: NonNegativeFloat = 1e-3
    """its weight"""
    total_variation_weight: NonNegativeFloat = 2e-8
    """weight of the smoothness term"""
    artifact_weight: NonNegativeFloat = 0.0
    """weight of LDL's L1 where the picture looks invented"""
    lr_consistency_weight: NonNegativeFloat = 0.0
    """weight of the downscaled picture's L1 against the LR picture"""
    grid_weight: NonNegativeFloat = 0.0
    """weight of the L1 of means by position modulo the scale: against the grid that a pixel shuffle can leave"""
    rank_weight: NonNegativeFloat = 0.0
    """weight of RankSRGAN's term; needs a ranker"""
    ranker: str = ""
    """.keras file of a ranker, from train_ranker.py"""
    gradient_penalty_weight: NonNegativeFloat = 0.0
    """weight of WGAN-GP's penalty on the discriminator's slope, 10 in the paper"""
    r1_weight: NonNegativeFloat = 0.0
    """weight of the R1 penalty, the slope at real pictures"""
    generator_every: PositiveInt = 1
    """the generator moves at every so many-th step, the discriminator at each"""

    def __post_init__(self):
        penalties = ("gradient_penalty_weight", "r1_weight")  # the discriminator's
        weights = {name for name, value in vars(self).items() if name.endswith("_weight") and value}
        if self.steps and not weights.difference(penalties):
            raise UserError("every weight of the gan phase is 0: give one, or leave the phase out with gan.steps=0")
        if self.adversarial == "wgan_gp" and not self.gradient_penalty_weight:
            raise UserError("gan.adversarial=wgan_gp needs gan.gradient_penalty_weight, 10 in the paper (received 0)")
        if self.rank_weight and not self.ranker:
            raise UserError(f"gan.rank_weight={self.rank_weight} needs a ranker: gan.ranker=FILE, from train_ranker.py")


@_settings
class Reporting:
    """How often a run speaks and saves, in steps."""

    log_every: PositiveInt = 100
    """status line, metrics.jsonl and TensorBoard scalars"""
    validate_every: PositiveInt = 5_000
    """scores and sample pictures"""
    checkpoint_every: PositiveInt = 5_000
    """checkpoint and generator.keras"""
    keep_checkpoints: PositiveInt = 3
    """the newest so many stay, and the best by psnr_y and by the perceptual score"""
    samples: NonNegativeInt = 3
    """pictures drawn at each validation"""
    profile: bool = False
    """trace steps 11 to 20 for TensorBoard's profile plugin; --profile sets it"""


@_settings
class Config:
    """A whole training run."""

    preset: str = ""
    """name of the preset that it began as"""
    scale: Literal[2, 4, 8] = 4
    """super-resolution factor"""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """of the initial weights and the crops; --seed sets it"""
    deterministic: bool = False
    """the same numbers on every run on one kind of GPU, at some cost; --deterministic sets it"""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """arithmetic of the networks; --precision sets it"""
    jit: Literal["auto", "on", "off"] = "auto"
    """compile the step with XLA; auto: on one GPU, since it is slower on CPUs; --jit sets it"""
    micro_batches: PositiveInt = 1
    """pieces of a batch that follow each other in memory: less of it is needed, and batch norm sees each by itself"""
    init_generator: str = ""
    """where the generator begins: a name that comes with srgan_tf, a run folder, a .keras file; --init-generator"""
    freeze_batch_norm: bool = False
    """the generator's batch norms stay as they begin, statistics too: to go on from a trained generator"""
    max_skipped: PositiveInt = 20
    """steps in a row with gradients that are not finite; then the run goes back to its last checkpoint, once"""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """of the averaged generator, the one that is scored and shipped; 0 averages nothing"""
    generator: dict[str, Any] = Field(default_factory=lambda: {"name": "srresnet"})
    """network and its options"""
    discriminator: dict[str, Any] = Field(default_factory=lambda: {"name": "vgg"})
    """network and its options"""
    data: Data = Data()
    pretrain: Pretrain = Pretrain()
    gan: Gan = Gan()
    reporting: Reporting = Reporting()

    def __post_init__(self):
        # A run's config.json then tells every option, and a resumed run is compared in each of them.
        for field, table, given in (
            ("generator", GENERATORS, {"scale"}),
            ("discriminator", DISCRIMINATORS, {"hr_patch_size"}),
        ):
            object.__setattr__(self, field, _complete_options(field, getattr(self, field), table, given))
        if self.gan.lr_consistency_weight and self.data.degradation != "bicubic":
            raise UserError(
                f"gan.lr_consistency_weight needs data.degradation=bicubic (received {self.data.degradation!r})"
            )
        if self.data.batch_size % self.micro_batches:
            raise UserError(
                f"data.batch_size {self.data.batch_size} must be a multiple of micro_batches {self.micro_batches}"
            )
        if (side := self.data.hr_patch_size) % self.scale:
            raise UserError(f"data.hr_patch_size must be a multiple of the scale {self.scale} (received {side})")
        if self.gan.gradient_penalty_weight and self.discriminator.get("normalization") == "batch":
            raise UserError(
                "a gradient penalty is of each picture by itself: it needs --set discriminator.normalization=layer "
                "(received 'batch')"
            )


_CONFIG = pydantic.TypeAdapter(Config)


def to_dict(config):
    """The settings as nested dictionaries of JSON values."""
    return _CONFIG.dump_python(config, mode="json")


def from_dict(settings):
    """The settings from what `to_dict` gave.

    Raises:
        UserError: names the first wrong setting and the value received.
    """
    try:
        return _CONFIG.validate_python(settings)
    except pydantic.ValidationError as error:
        raise UserError(_explain(error)) from None


def flatten(settings, prefix=""):
    """Nested dictionaries as one, from dotted names to values; `layers` of the perceptual loss stays whole."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict) and name != "layers":
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _complete_options(field, choice, table, given):
    """Checks a network's options against the function that builds it, and adds those left out.

    Args:
        field: "generator" or "discriminator", for errors.
        choice: its "name" in the table, and options.
        table: from names to functions of keyword arguments.
        given: arguments that other settings determine.
    """
    options = dict(choice)
    name = options.pop("name", None)
    if name not in table:
        raise UserError(f"{field}.name must be one of {', '.join(table)} (received {name!r})")
    parameters = {
        parameter.name: (parameter.annotation, parameter.default)
        for parameter in inspect.signature(table[name]).parameters.values()
        if parameter.name not in given
    }
    model = pydantic.create_model(name, __config__=pydantic.ConfigDict(extra="forbid"), **parameters)
    try:
        return {"name": name} | model(**options).model_dump()
    except pydantic.ValidationError as error:
        raise UserError(_explain(error, f"{field}.")) from None


def _explain(error, prefix=""):
    first = error.errors()[0]
    if isinstance(first.get("ctx", {}).get("error"), UserError):
        return str(first["ctx"]["error"])
    name = prefix + ".".join(str(part) for part in first["loc"])
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        return f"unknown setting {name!r} (received {first['input']!r})"
    return f"{name}: {first['msg'][0].lower()}{first['msg'][1:]} (received {first['input']!r})"
