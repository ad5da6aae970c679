"""Trains a super-resolution network: pretraining with a pixel loss, then a GAN phase.

    srgan-tf train                                               srgan_x4 on DIV2K, into runs/srgan_x4
    srgan-tf train --preset tiny --data synthetic --workdir runs/tiny
    srgan-tf train --data FOLDER --workdir runs/mine --set gan.steps=1000

Repeat the command to resume a run that was stopped or killed. All GPUs of the machine are used
(CUDA_VISIBLE_DEVICES selects), and several machines with TF_CONFIG: see docs/TRAINING.md.
"""

import json
import logging

from srgan_tf.commands import cli
from srgan_tf.precisions import CHOICES


def main():
    """Parses the flags, trains, and prints where the results are."""
    parser = cli.Parser(__doc__, imports_tensorflow=False, epilog="--list shows every preset and setting.")
    parser.add_argument("--preset", default="srgan_x4", help="recipe (default: %(default)s)")
    parser.add_argument(
        "--data",
        action="append",
        metavar="DATA",
        help="training images: div2k, div2k/CONFIG, synthetic, a folder of HR images, a folder with HR/ and LR/, or an "
        "unpacked DIV2K (FOLDER or FOLDER:CONFIG); repeat for several",
    )
    parser.add_argument("--valid", action="append", metavar="DATA", help="validation images (default: from --data)")
    parser.add_argument("--workdir", help="run folder (default: runs/PRESET)")
    parser.add_argument(
        "--precision",
        choices=CHOICES,
        help="compute precision; auto, the default of most presets: bfloat16 where the device is faster in it, else "
        "float32",
    )
    parser.add_argument(
        "--jit", choices=("auto", "on", "off"), help="compile with XLA (default: auto, on for a single GPU)"
    )
    parser.add_argument("--seed", type=int, help="random seed of the initial weights and the crops (default: 0)")
    parser.add_argument(
        "--deterministic",
        action="store_true",
        default=None,
        help="bit-identical results on the same kind of GPU, at some cost in speed",
    )
    parser.add_argument(
        "--init-generator",
        metavar="MODEL",
        help="initialise the generator from a trained one of the same architecture: a run folder, a .keras file, "
        "or the name of a shipped model",
    )
    parser.add_argument("--profile", action="store_true", default=None, help="profile steps 11 to 20 for TensorBoard")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="list all presets and the settings of --preset, and exit")
    flags = parser.parse_args()
    cli.keep_compilations()
    cli.quiet_tensorflow()

    from srgan_tf.config import presets
    from srgan_tf.config.overrides import describe, with_settings

    config = with_settings(presets.load_preset(flags.preset), [*_assignments(flags), *flags.set])
    if flags.list:
        for name, preset in presets.PRESETS.items():
            print(f"{name:24}{preset.__doc__.splitlines()[0]}")
        print(f"\nSettings of {flags.preset}:", *describe(config), sep="\n  ")
        return

    from srgan_tf.images.listing import PICTURE_SUFFIXES
    from srgan_tf.photos.suffixes import skipped_note
    from srgan_tf.training.run import run

    workdir = flags.workdir or f"runs/{flags.preset}"
    logging.info(
        "training %s x%d on %s into %s: pretrain %s, gan %s%s",
        config.preset,
        config.scale,
        ", ".join(config.data.train),
        workdir,
        _length(config.pretrain),
        _length(config.gan),
        f", diffusion {_length(config.diffusion)}" if config.diffusion.steps else "",
    )
    if note := skipped_note([*config.data.train, *config.data.valid], PICTURE_SUFFIXES):
        print(note)
    generator = run(config, workdir)
    print(f"done: {generator}; samples in {workdir}/samples; tensorboard --logdir {workdir}/tensorboard")


def _length(phase):
    return f"{phase.epochs:g} epochs" if phase.epochs else f"{phase.steps} steps"


def _assignments(flags):
    """The flags that stand for settings, as assignments like those of --set."""
    settings = {
        "precision": flags.precision,
        "jit": flags.jit,
        "seed": flags.seed,
        "deterministic": flags.deterministic,
        "init_generator": flags.init_generator,
        "reporting.profile": flags.profile,
        "data.train": flags.data,
        "data.valid": flags.valid,
    }
    return [f"{name}={json.dumps(value)}" for name, value in settings.items() if value is not None]
