"""All settings of a training run: defaults, types, ranges and descriptions.

Settings are frozen dataclasses that pydantic validates. The options of a generator or discriminator are the keyword
arguments of the function that builds it, with its defaults and types.
"""

import functools
import inspect
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from srgan_tf.config.sections import Data, Diffusion, Gan, PositiveInt, Pretrain, Reporting, settings
from srgan_tf.errors import UserError
from srgan_tf.losses.colour import AREA as COLOUR_AREA
from srgan_tf.networks.discriminators import DISCRIMINATORS
from srgan_tf.networks.generators import CONTINUOUS, GENERATORS
from srgan_tf.precisions import AUTO, CHOICES

# For each network: the table of builders, and the arguments that other settings determine.
NETWORKS = {"generator": (GENERATORS, {"scale"}), "discriminator": (DISCRIMINATORS, {"hr_patch_size"})}

# Old names of settings, which a config.json of an earlier version may contain.
RENAMED = {"gan.discriminator_steps": "gan.generator_every"}

# Smallest patches of loss terms: SSIM's window, and what VGG19 reduces to one pixel in its last block.
_SSIM_WINDOW = 11
_VGG_STRIDE = 16

# What 0.1.0 did where there are settings now. A config.json of that version gets these values, not today's defaults: a
# run that is resumed must not change.
_ADAM_OF_0_1 = {"name": "adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "weight_decay": 0.0}
_VALUES_OF_0_1 = {
    "data": {"sampling": "picture"},
    "pretrain": {"optimizer": _ADAM_OF_0_1},
    "gan": {"generator_optimizer": _ADAM_OF_0_1, "discriminator_optimizer": _ADAM_OF_0_1},
}
_BATCH_NORM_OF_0_1 = {"batch_norm_momentum": 0.99, "batch_norm_epsilon": 1e-3}


@settings
class Config:
    """A whole training run."""

    preset: str = ""
    """name of the preset that the settings started from"""
    scale: Literal[2, 3, 4, 8] = 4
    """super-resolution factor: 2, 3, 4 or 8"""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """random seed of the initial weights and the crops; --seed sets it"""
    deterministic: bool = False
    """bit-identical results on the same kind of GPU, at some cost in speed; --deterministic sets it"""
    precision: Literal[CHOICES] = AUTO
    """compute precision; "auto": bfloat16 where the device is faster in it, else float32; --precision sets it"""
    jit: Literal["auto", "on", "off"] = "auto"
    """compile the step with XLA; "auto": on a single GPU only, it is slower on CPUs; --jit sets it"""
    micro_batches: PositiveInt = 1
    """gradient accumulation: split each batch into N micro-batches to save memory; batch norm sees each separately"""
    init_generator: str = ""
    """initialise the generator from a shipped model, a run folder or a .keras file; --init-generator sets it"""
    freeze_batch_norm: bool = False
    """freeze the batch norms of the generator, statistics too; for fine-tuning a trained generator"""
    max_skipped: PositiveInt = 20
    """after N consecutive steps with non-finite gradients, restart once from the last checkpoint"""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """decay of the moving average of the generator, which is validated and saved; 0 turns it off"""
    generator: dict[str, Any] = Field(default_factory=lambda: {"name": "srresnet"})
    """the generator and its options"""
    discriminator: dict[str, Any] = Field(default_factory=lambda: {"name": "vgg"})
    """the discriminator and its options"""
    data: Data = Data()
    pretrain: Pretrain = Pretrain()
    gan: Gan = Gan()
    diffusion: Diffusion = Diffusion()
    reporting: Reporting = Reporting()

    def __post_init__(self):
        # Complete options go into config.json, and a resumed run compares all of them.
        for field in NETWORKS:
            object.__setattr__(self, field, complete_options(field, getattr(self, field)))
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
        if self.data.min_scale:
            self._check_random_scales()
        crop = self.gan.perceptual.crop_size
        largest, its_name = (side // 2, "half of ") if self.data.min_scale else (side, "")
        if crop and not _VGG_STRIDE <= crop <= largest:
            raise UserError(
                f"gan.perceptual.crop_size must be 0, or from {_VGG_STRIDE} to {its_name}data.hr_patch_size {side} "
                f"(received {crop})"
            )
        if self.gan.colour_weight and side < COLOUR_AREA:
            raise UserError(f"gan.colour_weight needs data.hr_patch_size of at least {COLOUR_AREA} (received {side})")
        penalties = [name for name in ("gradient_penalty_weight", "r1_weight") if getattr(self.gan, name)]
        if self.gan.steps and penalties and self.discriminator.get("normalization") == "batch":
            raise UserError(
                f"gan.{penalties[0]} penalizes the gradient of each image separately: it needs "
                "discriminator.normalization=layer, spectral or none (received 'batch')"
            )
        if self.diffusion.steps:
            self._check_diffusion()
        for name in ("pretrain", "gan", "diffusion"):
            phase = getattr(self, name)
            if phase.epochs and not phase.steps:
                raise UserError(f"{name}.epochs={phase.epochs:g}: {name}.steps=0 skips the phase; set it to 1 or more")
        for name, weight, smallest in (
            ("ssim_weight", self.pretrain.ssim_weight or self.gan.ssim_weight, _SSIM_WINDOW),
            ("gan.dists_weight", self.gan.dists_weight, _VGG_STRIDE),
        ):
            if weight and side < smallest:
                raise UserError(f"{name} needs data.hr_patch_size of at least {smallest} (received {side})")

    def _check_random_scales(self):
        """Raises a `UserError` if the settings do not fit training at random factors."""
        given = f"data.min_scale={self.data.min_scale:g}"
        if self.generator["name"] not in CONTINUOUS:
            needed = " or ".join(CONTINUOUS)
            raise UserError(f"{given} needs generator.name={needed} (received {self.generator['name']!r})")
        if self.data.min_scale > self.scale:
            raise UserError(f"{given} must be at most the scale {self.scale}")
        if self.data.hr_patch_size % 2:
            raise UserError(f"{given} needs an even data.hr_patch_size (received {self.data.hr_patch_size})")
        if self.data.degradation != "bicubic":
            raise UserError(f"{given} needs data.degradation=bicubic (received {self.data.degradation!r})")
        if self.gan.steps or self.pretrain.ssim_weight:
            # They take patches of neighbouring pixels; a batch of random factors has random rows and columns.
            raise UserError(f"{given} needs gan.steps=0 and pretrain.ssim_weight=0")

    def _check_diffusion(self):
        """Raises a `UserError` if the settings do not fit the diffusion phase."""
        given = f"diffusion.steps={self.diffusion.steps}"
        if self.generator["name"] != "idm":
            raise UserError(f"{given} needs generator.name=idm (received {self.generator['name']!r})")
        if not self.data.min_scale:
            raise UserError(f"{given} needs data.min_scale of at least 1 (received 0)")
        if self.diffusion.perceptual_weight and self.generator["prediction"] == "noise":
            raise UserError(
                f"diffusion.perceptual_weight={self.diffusion.perceptual_weight:g} needs generator.prediction=image "
                "(received 'noise'): set it to 0"
            )
        multiple = 2 ** (len(self.generator["widths"]) + 1)
        if self.data.hr_patch_size % multiple:
            raise UserError(
                f"{given} needs a data.hr_patch_size that is a multiple of {multiple} "
                f"(received {self.data.hr_patch_size})"
            )

    def to_dict(self):
        """The settings as nested dictionaries of JSON values."""
        return _adapter().dump_python(self, mode="json")

    @classmethod
    def from_dict(cls, settings):
        """The settings from what `to_dict` returned; settings that are missing have their defaults.

        Settings that were renamed since are accepted under their old names. Settings of 0.1.0, which are those with a
        pretraining without an optimizer, get what that version did: Adam with an epsilon of 1e-7, batch norm with a
        momentum of 0.99 and an epsilon of 1e-3, patches drawn from each picture equally.

        Raises:
            UserError: names the first invalid setting and the value received.
        """
        try:
            return _adapter().validate_python(_with_values_of_0_1(_with_new_names(settings)))
        except pydantic.ValidationError as error:
            raise UserError(_explain(error)) from None


@functools.cache
def _adapter():
    return pydantic.TypeAdapter(Config)


def _with_new_names(settings):
    for old, new in RENAMED.items():
        group, old_leaf, new_leaf = *old.split("."), new.split(".")[1]
        if isinstance(settings, dict) and isinstance(values := settings.get(group), dict) and old_leaf in values:
            renamed = {new_leaf if name == old_leaf else name: value for name, value in values.items()}
            settings = settings | {group: renamed}
    return settings


def _with_values_of_0_1(settings):
    groups = settings if isinstance(settings, dict) else {}
    groups = {name: values for name, values in groups.items() if isinstance(values, dict)}
    if "optimizer" in groups.get("pretrain", {"optimizer": None}):
        return settings
    missing = dict(_VALUES_OF_0_1)
    if groups.get("generator", {}).get("normalization") == "batch":
        missing["generator"] = _BATCH_NORM_OF_0_1
    return settings | {group: missing[group] | groups[group] for group in missing if group in groups}


def flatten(settings, prefix=""):
    """Nested dictionaries as one, from dotted names to values; `layers` of the perceptual loss stays whole."""
    flat = {}
    for name, value in settings.items():
        if isinstance(value, dict) and name != "layers":
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def complete_options(field, choice):
    """Checks a network's options against the function that builds it, and adds the defaults of those left out.

    Args:
        field: "generator" or "discriminator".
        choice: dictionary of its "name" and any of its options.

    Raises:
        UserError: an unknown network, an unknown option, or an invalid value.
    """
    table, given = NETWORKS[field]
    options = dict(choice)
    name = options.pop("name", None)
    if not isinstance(name, str) or name not in table:
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
