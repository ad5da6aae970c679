"""Speed of training steps on this machine, in each precision, with and without XLA.

    python -m benchmarks train --preset srgan_x4 --batch-size 16 --hr-patch-size 96

Each row is measured in its own process, for its own peak memory; data is random and in memory. "share" is the FLOP/s of
the row over those of a large matrix product in the same precision on the same device. FLOPs are the least that a step
needs, in forward passes: three for a trained network; four for the discriminator's pass over SR, which both updates
share; two for VGG19's pass over SR, and one for its pass over HR. Penalties, LDL's map and the ranker are not counted.
"gan" rows are steps that update both networks. "plain" is the GAN step as in tutorials: Keras's layers and optimizer,
float32, one update after the other, each with its own passes over the SR patches.
"""

import logging

from benchmarks import sizes
from benchmarks.processes import in_process
from benchmarks.timing import call_seconds, median_seconds
from srgan_tf.commands import cli
from srgan_tf.precisions import PRECISIONS

_log = logging.getLogger(__name__)


def main(arguments):
    """Measures and logs one row for each phase, precision and compilation.

    Args:
        arguments: the command line after the command's name.
    """
    parser = cli.Parser(__doc__, prog="python -m benchmarks train")
    parser.add_argument("--preset", default="srgan_x4")
    sizes.add_flags(parser)
    parser.add_argument("--steps", type=int, default=5, help="steps timed in each row (default: %(default)s)")
    parser.add_argument("--precision", action="append", choices=PRECISIONS, help="may be repeated (default: all)")
    parser.add_argument("--jit", action="append", choices=("off", "on"), help="may be repeated (default: both)")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting")
    flags = parser.parse_args(arguments)

    from srgan_tf import hardware

    config = sizes.config_of(flags.preset, flags.batch_size, flags.hr_patch_size, flags.set)
    precisions = flags.precision or PRECISIONS
    rates = {precision: in_process(matrix_product_rate, precision) for precision in precisions}
    products = ", ".join(f"{precision} {rate / 1e9:.4g}" for precision, rate in rates.items())
    _log.info(
        "%s; %s, batch %d, HR %d; medians of %d steps; a matrix product's GFLOP/s: %s",
        hardware.describe(),
        flags.preset,
        flags.batch_size,
        flags.hr_patch_size,
        flags.steps,
        products,
    )
    header = ("phase", "precision", "xla", "s/step", "patches/s", "GFLOP/s", "share", "peak_GiB")
    _log.info("%-9s %-9s %-4s %9s %10s %9s %6s %9s", *header)
    rows = [
        (phase, precision, jit)
        for phase in ("pretrain", "gan")
        if getattr(config, phase).steps
        for precision in precisions
        for jit in flags.jit or ("off", "on")
    ]
    for phase, precision, jit in [*rows, *([("plain", "float32", "off")] if config.gan.steps else [])]:
        seconds, flops, peak = in_process(step_time, config, phase, precision, jit == "on", flags.steps)
        share = f"{flops / seconds / rates[precision]:.0%}" if precision in rates else "-"
        _log.info(
            "%-9s %-9s %-4s %9.3f %10.1f %9.0f %6s %9.2f",
            phase,
            precision,
            jit,
            seconds,
            flags.batch_size / seconds,
            flops / seconds / 1e9,
            share,
            peak / 2**30,
        )


def matrix_product_rate(precision):
    """FLOP/s of a matrix product, the best of ten: about the peak of the device."""
    import tensorflow as tf

    size = 8192 if tf.config.list_physical_devices("GPU") else 2048
    left, right = (tf.cast(tf.random.normal((size, size)), precision) for _ in range(2))

    @tf.function
    def multiply():
        return tf.reduce_sum(tf.cast(left @ right, tf.float32))

    return 2.0 * size**3 / min(call_seconds({"": lambda: multiply().numpy()}, 10)[""])


def step_time(config, phase, precision, jit, steps):
    """Median seconds of a step, its FLOPs, and the peak memory of the process in bytes.

    On a GPU ten steps are timed together: it is given the next steps while it computes, as in a training.

    Args:
        config: the settings.
        phase: see `training_steps`.
        precision: see `training_steps`.
        jit: see `training_steps`.
        steps: number of timings.
    """
    import tensorflow as tf

    from srgan_tf import hardware

    together = 10 if tf.config.list_physical_devices("GPU") else 1
    run, flops = training_steps(config, phase, precision, jit, together)
    return median_seconds(run, steps) / together, flops, hardware.peak_memory()


def training_steps(config, phase, precision, jit, number):
    """A function of no arguments that does some training steps and returns when they are done; FLOPs of one step.

    VGG19's weights are random, which costs the same.

    Args:
        config: the settings.
        phase: "pretrain", "gan", or "plain" for the GAN step of tutorials.
        precision: one of `PRECISIONS`.
        jit: compile with XLA.
        number: steps of a call.
    """
    import dataclasses

    import keras
    import tensorflow as tf

    from benchmarks.arithmetic import forward_flops
    from benchmarks.plain import make_plain_gan_step, plain_networks
    from srgan_tf.training.objective import discriminator_terms, gan_terms, pretrain_terms
    from srgan_tf.training.ranker import load_ranker
    from srgan_tf.training.state import gan_state, pretrain_state
    from srgan_tf.training.steps import make_gan_step, make_pretrain_step

    keras.utils.set_random_seed(0)
    config = dataclasses.replace(config, precision=precision)
    batch, hr_side, lr_side = (
        config.data.batch_size,
        config.data.hr_patch_size,
        config.data.hr_patch_size // config.scale,
    )
    lr, hr = (tf.random.uniform((batch, side, side, 3)) for side in (lr_side, hr_side))
    uses_vgg19 = phase != "pretrain" and config.gan.perceptual_weight
    features = _random_vgg19(config.gan.perceptual, precision) if uses_vgg19 else None
    options = {"ema_decay": config.ema_decay, "micro_batches": config.micro_batches, "jit": jit}
    if phase == "pretrain":
        state = pretrain_state(config)
        generator = state.generator_ema
        step = make_pretrain_step(state, pretrain_terms(config.pretrain), **options)
        flops = 3 * forward_flops(generator, lr)
    else:
        ranker = load_ranker(config.gan.ranker) if config.gan.rank_weight else None
        terms, d_terms = gan_terms(config.gan, features, ranker), discriminator_terms(config.gan)
        if phase == "plain":
            generator, discriminator = plain_networks(config)
            step = make_plain_gan_step(generator, discriminator, terms, d_terms)
        else:
            state = gan_state(config)
            # The trained generator is rewritten, with some more arithmetic.
            generator, discriminator = state.generator_ema, state.discriminator
            step = make_gan_step(state, terms, d_terms, **options)
        flops = 3 * forward_flops(generator, lr) + 7 * forward_flops(discriminator, hr)
        flops += 3 * forward_flops(features, hr) if features else 0

    def run():
        for index in range(number):
            step(lr, hr, *([] if phase == "plain" else [index]))
        generator.weights[0].numpy()  # waits for the steps to end

    return run, flops


def _random_vgg19(perceptual, precision):
    from srgan_tf.networks.vgg import vgg19_features

    return vgg19_features(
        list(perceptual.layers),
        before_activation=perceptual.before_activation,
        weights=None,
        precision="bfloat16" if precision == "bfloat16" else "float32",
    )
