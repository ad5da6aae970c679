"""The groups of settings: learning rates, data, the training phases, reporting."""

from typing import Annotated, Literal

import pydantic
from pydantic import Field, NonNegativeFloat, PositiveFloat

from srgan_tf.data.degradations import DEGRADATIONS
from srgan_tf.errors import UserError
from srgan_tf.losses.adversarial import ADVERSARIAL_LOSSES
from srgan_tf.losses.perceptual import PAPER_FEATURE_SCALE
from srgan_tf.losses.pixel import PIXEL_LOSSES

# Every section is a frozen dataclass that pydantic validates.
settings = pydantic.dataclasses.dataclass(
    frozen=True,
    kw_only=True,
    config=pydantic.ConfigDict(extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False),
)

PixelLoss = Literal[tuple(PIXEL_LOSSES)]
PositiveInt = Annotated[int, Field(gt=0, lt=2**31)]
NonNegativeInt = Annotated[int, Field(ge=0, lt=2**31)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


@settings
class LearningRate:
    """Learning-rate schedule of one phase. Milestones are fractions of the phase: a shorter run keeps the shape."""

    initial: PositiveFloat = 1e-4
    """learning rate at the first step"""
    decay: Literal["constant", "step", "cosine"] = "constant"
    """"step" multiplies by `factor` at each milestone; "cosine" decays to `final` in each of `cycles`"""
    milestones: tuple[Fraction, ...] = ()
    """milestones of "step", as ascending fractions of the phase"""
    factor: PositiveFloat = 0.1
    """factor at each milestone"""
    cycles: PositiveInt = 1
    """number of cosine cycles; each restarts at `initial`"""
    final: NonNegativeFloat = 0.0
    """learning rate at the end of a cosine cycle"""

    def __post_init__(self):
        if list(self.milestones) != sorted(set(self.milestones)):
            raise UserError(f"milestones of a learning rate must ascend (received {list(self.milestones)})")
        if self.decay == "cosine" and self.final > self.initial:
            raise UserError(f"a cosine must end at or below its start {self.initial} (received final={self.final})")


@settings
class Optimizer:
    """How the gradients of one network change its weights."""

    name: Literal["adam", "rmsprop"] = "adam"
    """update rule: adam or rmsprop"""
    beta_1: Decay = 0.9
    """decay of Adam's mean gradient; RMSProp has none"""
    beta_2: Decay = 0.999
    """decay of the mean squared gradient, also of RMSProp"""
    epsilon: PositiveFloat = 1e-8
    """added to the root of the mean squared gradient"""
    weight_decay: NonNegativeFloat = 0.0
    """L2 weight decay: this times the weight is added to its gradient"""


@settings
class Data:
    """Training and validation images, and the patches cropped from them."""

    train: Annotated[tuple[str, ...], Field(min_length=1)] = ("div2k",)
    """training images: div2k, div2k/CONFIG, synthetic, or folders; --data sets it"""
    valid: tuple[str, ...] = ()
    """validation images; if empty, the validation split of each training source, or some of its images; --valid"""
    valid_pictures: PositiveInt = 10
    """maximum number of validation images"""
    hr_patch_size: PositiveInt = 96
    """side of the square HR patches in pixels"""
    batch_size: PositiveInt = 16
    """patches per step, over all GPUs"""
    min_scale: NonNegativeFloat = 0.0
    """train a continuous generator at factors between this and `scale`, drawn for each batch; 0: at `scale` only"""
    sampling: Literal["area", "auto", "picture"] = "auto"
    """draw patches by image "area", or from each "picture" equally; "auto": by area if sizes differ over 4 times"""
    augment: bool = True
    """random flips and 90-degree rotations of the patches"""
    degradation: Literal[tuple(DEGRADATIONS)] = "bicubic"
    """how LR is made: "bicubic" as in benchmarks; "realistic", Real-ESRGAN's; "ntire-*", stand-ins for NTIRE 2018"""
    align: Literal["auto", "on", "off"] = "auto"
    """estimate the shift between LR and HR of each pair and crop by it; "auto": for div2k/realistic_* only"""
    clean_fraction: Annotated[float, Field(ge=0, le=1)] = 0.0
    """share of patches that degradation=realistic degrades lightly or not at all"""
    patch_uses: PositiveInt = 1
    """use each degraded patch this often, in other orders and orientations; for degradations that the GPU waits for"""
    store: Literal["auto", "memory", "disk"] = "auto"
    """where decoded images are kept: "memory", "disk", or "auto", in memory if they fit into half of the free memory"""
    cache: str = ""
    """folder of the store on disk; "" is srgan_tf in the user's cache folder"""
    synthetic_count: PositiveInt = 64
    """number of training images that the source synthetic draws"""
    synthetic_size: Annotated[int, Field(ge=32)] = 192
    """side of the synthetic images in pixels"""

    def __post_init__(self):
        if 0 < self.min_scale < 1:
            raise UserError(f"data.min_scale must be 0, or 1 or more (received {self.min_scale:g})")
        if self.clean_fraction and self.degradation != "realistic":
            raise UserError(f"data.clean_fraction needs data.degradation=realistic (received {self.degradation!r})")
        if self.patch_uses > 1 and self.degradation == "bicubic":
            raise UserError("data.patch_uses is for other degradations than bicubic, whose patches are made fast")


@settings
class Pretrain:
    """The first phase: the generator alone, with a pixel loss."""

    steps: NonNegativeInt = 1_000_000
    """number of steps; 0 skips the phase"""
    epochs: NonNegativeFloat = 0.0
    """length in epochs instead of steps: passes over the training images; 0 uses `steps`"""
    patience: NonNegativeInt = 0
    """stop the phase after N validations in a row without a better PSNR-Y; 0 does not stop early"""
    loss: PixelLoss = "mse"
    """pixel loss: mse, l1 or charbonnier"""
    learning_rate: LearningRate = LearningRate()
    optimizer: Optimizer = Optimizer()
    ssim_weight: NonNegativeFloat = 0.0
    """weight of 1 - SSIM, which is added to the pixel loss"""


@settings
class Perceptual:
    """The perceptual loss: distance of VGG19 features."""

    layers: Annotated[dict[str, PositiveFloat], Field(min_length=1)] = Field(
        default_factory=lambda: {"block5_conv4": 1.0}
    )
    """VGG19 layers by their Keras names, and the weight of each"""
    before_activation: bool = False
    """compare features before the ReLU instead of after it"""
    distance: PixelLoss = "mse"
    """distance between features: mse, l1 or charbonnier"""
    crop_size: NonNegativeInt = 0
    """side of a random square of the patches that the loss sees, in pixels, for speed; 0: the whole patches"""
    feature_scale: PositiveFloat = PAPER_FEATURE_SCALE
    """factor applied to the features before the distance"""
    weights: str = "imagenet"
    """VGG19 weights: "imagenet" or the path of a weights file"""


@settings
class Gan:
    """The second phase: generator and discriminator. Each `*_weight` multiplies a term of a loss."""

    steps: NonNegativeInt = 200_000
    """number of steps; 0 skips the phase"""
    epochs: NonNegativeFloat = 0.0
    """length in epochs instead of steps: passes over the training images; 0 uses `steps`"""
    patience: NonNegativeInt = 0
    """stop the phase after N validations in a row without a better perceptual score; 0 does not stop early"""
    learning_rate: LearningRate = LearningRate(decay="step", milestones=(0.5,), factor=0.1)
    generator_optimizer: Optimizer = Optimizer()
    discriminator_optimizer: Optimizer = Optimizer()
    pixel: PixelLoss = "mse"
    """pixel loss: mse, l1 or charbonnier"""
    pixel_weight: NonNegativeFloat = 0.0
    """weight of the pixel loss"""
    ssim_weight: NonNegativeFloat = 0.0
    """weight of 1 - SSIM"""
    perceptual: Perceptual = Perceptual()
    perceptual_weight: NonNegativeFloat = 1.0
    """weight of the perceptual loss; VGG19 is not loaded if this and `dists_weight` are 0"""
    dists_weight: NonNegativeFloat = 0.0
    """weight of the DISTS distance on VGG19: similarity of structure and texture"""
    adversarial: Literal[tuple(ADVERSARIAL_LOSSES)] = "vanilla"
    """adversarial objective: vanilla, ra (relativistic average), lsgan, hinge, wgan or wgan_gp"""
    adversarial_weight: NonNegativeFloat = 1e-3
    """weight of the generator's adversarial loss"""
    total_variation_weight: NonNegativeFloat = 2e-8
    """weight of the total variation of SR"""
    artifact_weight: NonNegativeFloat = 0.0
    """weight of LDL's L1, which is weighted by an artifact map"""
    lr_consistency_weight: NonNegativeFloat = 0.0
    """weight of the L1 between LR and the downscaled SR"""
    colour_weight: NonNegativeFloat = 0.0
    """weight of the L1 between the mean colours of areas of 16x16 pixels, against a shift of colours"""
    grid_weight: NonNegativeFloat = 0.0
    """weight of the loss against a pixel-shuffle grid: L1 between mean SR and mean HR at each position of its cells"""
    rank_weight: NonNegativeFloat = 0.0
    """weight of RankSRGAN's rank-content loss; needs `ranker`"""
    ranker: str = ""
    """.keras file of a ranker, from srgan-tf rank"""
    gradient_penalty_weight: NonNegativeFloat = 0.0
    """weight of WGAN-GP's gradient penalty on the discriminator, 10 in the paper"""
    r1_weight: NonNegativeFloat = 0.0
    """weight of the R1 gradient penalty on real images; for a discriminator without batch norm"""
    clip_weights: NonNegativeFloat = 0.0
    """clip the discriminator's weights to [-N, N] after each update, 0.01 in WGAN; 0 does not clip"""
    generator_every: PositiveInt = 1
    """update the generator on every Nth step; the discriminator is updated on every step"""

    def __post_init__(self):
        penalties = ("gradient_penalty_weight", "r1_weight")  # of the discriminator's loss
        weights = {name for name, value in vars(self).items() if name.endswith("_weight") and value}
        if self.steps and not weights.difference(penalties):
            raise UserError("every weight of the gan phase is 0: set one, or skip the phase with gan.steps=0")
        if self.adversarial == "wgan_gp" and not self.gradient_penalty_weight:
            raise UserError("gan.adversarial=wgan_gp needs gan.gradient_penalty_weight, 10 in the paper (received 0)")
        if self.adversarial == "wgan" and not (self.clip_weights or self.gradient_penalty_weight):
            raise UserError("gan.adversarial=wgan needs gan.clip_weights, 0.01 in the paper (received 0)")
        if self.rank_weight and not self.ranker:
            raise UserError(f"gan.rank_weight={self.rank_weight} needs a ranker: gan.ranker=FILE, from srgan-tf rank")


@settings
class Diffusion:
    """The phase of a diffusion generator: its denoising network; the rest of the generator stays as it is."""

    steps: NonNegativeInt = 0
    """number of steps; 0 skips the phase"""
    epochs: NonNegativeFloat = 0.0
    """length in epochs instead of steps: passes over the training images; 0 uses `steps`"""
    patience: NonNegativeInt = 0
    """stop the phase after N validations in a row without a better perceptual score; 0 does not stop early"""
    loss: PixelLoss = "mse"
    """distance between the estimate of the network and the residual or the noise: mse, l1 or charbonnier"""
    perceptual_weight: NonNegativeFloat = 0.0
    """weight of the perceptual loss `gan.perceptual` of the estimated image, which is added to it"""
    learning_rate: LearningRate = LearningRate()
    optimizer: Optimizer = Optimizer()


@settings
class Reporting:
    """How often a run logs, validates and saves."""

    log_every: PositiveInt = 100
    """steps between status lines, metrics.jsonl rows and TensorBoard scalars"""
    validate_every: PositiveInt = 5_000
    """steps between validations: scores and sample images"""
    checkpoint_every: PositiveInt = 5_000
    """steps between checkpoints and updates of generator.keras"""
    keep_checkpoints: PositiveInt = 3
    """number of recent checkpoints to keep; the best by PSNR-Y, VGG19 distance and ST-LPIPS are always kept"""
    samples: NonNegativeInt = 3
    """number of sample images at each validation"""
    profile: bool = False
    """profile steps 11 to 20 for TensorBoard; --profile sets it"""
