"""Trains a super-resolution network: pretraining on pixels, then a GAN phase.

    python train.py                                              srgan_x4 on DIV2K, into runs/srgan_x4
    python train.py --preset tiny --data synthetic --workdir runs/tiny
    python train.py --data FOLDER --workdir runs/mine --set gan.steps=1000

The same command again goes on where the run stopped, was killed or interrupted. Several GPUs are all used
(CUDA_VISIBLE_DEVICES chooses), several machines by TF_CONFIG: docs/TRAINING.md.
"""

import logging

from srgan_tf.commands import cli


def main():
    """Parses the flags, trains, and says where the results lie."""
    parser = cli.Parser(__doc__, epilog="--list shows every preset and setting.")
    parser.add_argument("--preset", default="srgan_x4", help="recipe to start from (default: %(default)s)")
    parser.add_argument(
        "--data",
        action="append",
        metavar="DATA",
        help="div2k, synthetic, a folder of HR pictures, a folder with HR/ and LR/, or DIV2K unpacked; may be repeated",
    )
    parser.add_argument(
        "--valid", action="append", metavar="DATA", help="pictures to score while training (default: from --data)"
    )
    parser.add_argument("--workdir", help="run folder (default: runs/PRESET)")
    parser.add_argument("--precision", choices=("float32", "bfloat16", "float16"), help="bfloat16 suits recent GPUs")
    parser.add_argument("--jit", choices=("auto", "on", "off"), help="XLA (default: auto, on with one GPU)")
    parser.add_argument("--seed", type=int, help="of the initial weights and the crops (default: 0)")
    parser.add_argument(
        "--deterministic", action="store_true", help="the same numbers on every run on one kind of GPU, at some cost"
    )
    parser.add_argument(
        "--init-generator",
        metavar="MODEL",
        help="begin with the weights of an equal network: a run folder, a .keras file, a shipped name",
    )
    parser.add_argument("--profile", action="store_true", help="trace steps 11 to 20 for TensorBoard's profile plugin")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting; may be repeated"
    )
    parser.add_argument("--list", action="store_true", help="list the presets, and --preset's settings, and exit")
    flags = parser.parse_args()

    from srgan_tf.config import presets, schema
    from srgan_tf.config.overrides import describe, with_settings

    config = presets.load_preset(flags.preset)
    settings = schema.to_dict(config)
    for name in ("precision", "jit", "seed", "deterministic", "init_generator"):
        if getattr(flags, name) not in (None, False):
            settings[name] = getattr(flags, name)
    if flags.profile:
        settings["reporting"]["profile"] = True
    for name, sources in (("train", flags.data), ("valid", flags.valid)):
        if sources:
            settings["data"][name] = sources
    config = with_settings(schema.from_dict(settings), flags.set)
    if flags.list:
        for name, preset in presets.PRESETS.items():
            print(f"{name:12} {preset.__doc__.splitlines()[0]}")
        print(f"\nSettings of {flags.preset}:", *describe(config), sep="\n  ")
        return

    from srgan_tf.training.run import run

    workdir = flags.workdir or f"runs/{flags.preset}"
    logging.info(
        "training %s x%d on %s into %s: %d pretrain steps, %d gan steps",
        config.preset,
        config.scale,
        ", ".join(config.data.train),
        workdir,
        config.pretrain.steps,
        config.gan.steps,
    )
    generator = run(config, workdir)
    print(f"done: {generator}; samples in {workdir}/samples; tensorboard --logdir {workdir}/tensorboard")
