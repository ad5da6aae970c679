"""`python -m benchmarks models`: parameters, arithmetic and speed of the presets' generators, for docs/MODELS.md.

Arithmetic is that of the network as defined. Seconds are those of the network optimized for inference, which
`srgan-tf upscale` runs.
"""

import logging

from benchmarks.timing import median_seconds
from srgan_tf.commands import cli

_log = logging.getLogger(__name__)


def main(arguments):
    """Parses the arguments and logs a Markdown row for each preset."""
    parser = cli.Parser(__doc__, prog="python -m benchmarks models")
    parser.add_argument("--preset", action="append", help="a preset; may be repeated (default: all)")
    parser.add_argument("--side", type=int, default=128, help="side of the square LR picture, pixels (%(default)s)")
    parser.add_argument("--repeats", type=int, default=5, help="number of timed runs (%(default)s)")
    flags = parser.parse_args(arguments)

    from srgan_tf import hardware
    from srgan_tf.config import presets
    from srgan_tf.networks.generators import GENERATORS
    from srgan_tf.networks.geometry import receptive_field
    from srgan_tf.training.state import build_network

    side = flags.side
    _log.info("%s; one %dx%d picture, float32, median of %d", hardware.describe(), side, side, flags.repeats)
    _log.info("| preset | parameters | GFLOP | seconds | receptive field |")
    _log.info("|---|---|---|---|---|")
    measured = {}  # presets often share a generator
    for name in flags.preset or presets.PRESETS:
        config = presets.load_preset(name)
        key = f"{config.generator} x{config.scale}"
        if key not in measured:
            generator = build_network("generator", GENERATORS, config.generator, scale=config.scale)
            reach = receptive_field(generator)
            measured[key] = (generator.count_params(), *_cost(generator, side, flags.repeats), reach or "-")
        parameters, flops, seconds, reach = measured[key]
        _log.info("| `%s` | %s | %.3g | %.3g | %s |", name, f"{parameters:,}", flops / 1e9, seconds, reach)


def _cost(generator, side, repeats):
    """FLOPs and median seconds for one picture."""
    import tensorflow as tf

    from benchmarks.arithmetic import forward_flops
    from srgan_tf.networks.rewrites.inference import optimize_for_inference

    lr = tf.random.stateless_uniform((1, side, side, 3), (0, 0))
    fast = optimize_for_inference(generator)
    function = tf.function(lambda lr: fast(lr, training=False)).get_concrete_function(lr)
    return forward_flops(generator, lr), median_seconds(lambda: function(lr).numpy(), repeats)
