"""Names that the training modules share: phases, networks, and the tags in metrics.jsonl and TensorBoard."""

from srgan_tf.runs import SCORE_PREFIX

PRETRAIN = "pretrain"
GAN = "gan"
DIFFUSION = "diffusion"
PHASES = (PRETRAIN, GAN, DIFFUSION)

GENERATOR = "generator"
DISCRIMINATOR = "discriminator"

# Of the discriminator: mean logits, and the share of images that it classifies correctly.
REAL_LOGITS = "logits/real"
FAKE_LOGITS = "logits/fake"
REAL_ACCURACY = "accuracy/real"
FAKE_ACCURACY = "accuracy/fake"

SATURATED = "sr/saturated"  # share of SR values that are black or white, minus that of the HR images
EPOCH = "epoch"  # passes over the training pictures
SKIPPED = "guard/skipped"  # number of skipped steps

DATA_WAIT = "speed/data_wait"  # share of the time in which no batch was ready
PEAK_MEMORY = "memory/peak_gib"

CONFIG = "config"

# Scores of a validation beside PSNR, SSIM and LR-PSNR.
STLPIPS = "stlpips"
PERCEPTUAL = "perceptual"
COLOUR_DRIFT = "colour_drift"
GRID = "grid"


def loss_tag(network, term="total"):
    """The tag of one term of a network's loss, or of the weighted sum."""
    return f"loss/{network}/{term}"


def gradient_norm_tag(network):
    """The tag of a network's gradient norm."""
    return f"gradient_norm/{network}"


def learning_rate_tag(network):
    """The tag of a network's learning rate."""
    return f"learning_rate/{network}"


def loss_scale_tag(network):
    """The tag of the float16 loss scale of a network."""
    return f"loss_scale/{network}"


def score_tag(metric):
    """The tag of a metric's mean over the validation pictures."""
    return f"{SCORE_PREFIX}{metric}"


def alarm_tag(alarm):
    """The tag of an alarm: 1 if it is on, else 0."""
    return f"alarm/{alarm}"


def sample_tag(picture):
    """The tag of a sample picture."""
    return f"samples/{picture}"


def histogram_tag(logits_tag):
    """The tag of the histogram of logits, given the tag of their mean."""
    return logits_tag.replace("logits/", "logits_histogram/")
