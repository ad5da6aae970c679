"""Trains the ranker of RankSRGAN, which predicts the order of images by NIQE. The preset ranksrgan_x4 needs it.

    srgan-tf rank --model runs/srresnet_x4 --model runs/srgan_x4 --data photos --output ranker.keras
    srgan-tf train --preset ranksrgan_x4 --data photos --set gan.ranker=ranker.keras

Give models that differ: one pretrained with a pixel loss, and GANs. NIQE labels patches of their results.
"""

import os
import pathlib

from srgan_tf.commands import cli


def main():
    """Parses the flags, labels patches, trains, and prints where the ranker is."""
    parser = cli.Parser(__doc__)
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        help="a model whose results are ranked; give two or more, of the same scale",
    )
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DATA",
        help="images, as for srgan-tf train; repeat for several",
    )
    parser.add_argument("--output", required=True, help=".keras file to write")
    parser.add_argument(
        "--places", type=int, default=2_000, help="patches cropped from each model's results (%(default)s)"
    )
    parser.add_argument(
        "--patch-size", type=int, default=288, help="side of the labelled patches, at least 192 for NIQE (%(default)s)"
    )
    parser.add_argument(
        "--crop-size",
        type=int,
        default=192,
        help="side of the random crops that the ranker is trained on; best data.hr_patch_size of the GAN (%(default)s)",
    )
    parser.add_argument("--steps", type=int, default=20_000, help="training steps (%(default)s)")
    parser.add_argument("--batch-size", type=int, default=16, help="pairs per step (%(default)s)")
    parser.add_argument("--num-filters", type=int, default=64, help="filters of the first convolution (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=1e-4, help="initial learning rate (%(default)s)")
    parser.add_argument("--seed", type=cli.seed, default=0, help="of weights, patches and pairs (%(default)s)")
    flags = parser.parse_args()
    for name in ("places", "steps", "batch_size", "num_filters", "learning_rate"):
        if getattr(flags, name) <= 0:
            parser.error(f"--{name.replace('_', '-')} must be positive (received {getattr(flags, name)})")
    if flags.patch_size < 192:
        parser.error(f"--patch-size must be at least 192 (received {flags.patch_size})")
    if not 32 <= flags.crop_size <= flags.patch_size:
        parser.error(f"--crop-size must be from 32 to --patch-size {flags.patch_size} (received {flags.crop_size})")
    if len(flags.model) < 2:
        parser.error(f"--model is needed twice or more (received {flags.model[0]!r} alone)")
    if not flags.output.endswith(".keras"):
        parser.error(f"--output must end in .keras (received {flags.output!r})")

    import keras

    from srgan_tf.data.sources import open_source
    from srgan_tf.files import check_targets, make_folder
    from srgan_tf.inference.loading import load_upscaler
    from srgan_tf.metrics.niqe import load_niqe
    from srgan_tf.networks.ranker import ranker_network
    from srgan_tf.training import ranker as ranking
    from srgan_tf.training.datasets import hold_out

    check_targets([flags.output], [*flags.model, *flags.data])
    if os.path.exists(flags.output):
        ranking.load_ranker(flags.output)  # raises if the file to be replaced is not a ranker
    label = load_niqe()
    make_folder(pathlib.Path(flags.output).absolute().parent)
    upscalers = [load_upscaler(flags.model[0])]
    upscalers += [load_upscaler(model, scale=upscalers[0].scale) for model in flags.model[1:]]
    keras.utils.set_random_seed(flags.seed)
    parts = [[], []]  # training, held out
    for data in flags.data:
        source = open_source(data, split="train", scale=upscalers[0].scale)
        for part, held, share in zip(parts, hold_out(source, len(source)), (1.0, 0.1), strict=True):
            print(
                f"ranking {', '.join(u.name for u in upscalers)} on {len(held)} pictures of {source.name}", flush=True
            )
            part.append(
                ranking.rank_patches(
                    upscalers,
                    held,
                    label,
                    patch_size=flags.patch_size,
                    places=max(round(share * flags.places / len(flags.data)), 1),
                    seed=flags.seed,
                )
            )
    ranked, held_out = (ranking.join(part) for part in parts)
    for upscaler, mean in zip(upscalers, ranked.labels.mean(axis=0), strict=True):
        print(f"{upscaler.name}: mean NIQE {mean:.3f} of {len(ranked.labels)} patches")
    ranker = ranker_network(num_filters=flags.num_filters)
    accuracy = ranking.train_ranker(
        ranker,
        ranked,
        held_out,
        crop_size=flags.crop_size,
        steps=flags.steps,
        batch_size=flags.batch_size,
        learning_rate=flags.learning_rate,
        seed=flags.seed,
    )
    ranking.save_ranker(ranker, flags.output)
    print(f"done: {flags.output}; {accuracy:.1%} of the held-out pairs in order")
