"""The generators that come with the package.

    python -m srgan_tf.weights                      lists them
    python -m srgan_tf.weights show compact_x4      prints a model card
    python -m srgan_tf.weights add runs/compact_x4 --name compact_x4 --summary TEXT --data TEXT ...

The last packs a run into this package; again with --scores, when evaluate.py has scored it under its name.
"""

import json
import sys

from srgan_tf import cli
from srgan_tf.errors import UserError
from srgan_tf.weights import shipped


def main():
    """Parses the flags, and lists, shows or adds."""
    parser = cli.Parser(__doc__)
    commands = parser.add_subparsers(dest="command")
    show = commands.add_parser("show", help="print a model card", description="Prints a model card.")
    show.add_argument("name")
    add = commands.add_parser("add", help="pack a run into this package", description="Packs a run into this package.")
    add.add_argument("run", help="run folder")
    add.add_argument("--name", required=True, help="that of its preset")
    add.add_argument("--summary", required=True, help="what it is good for, a sentence")
    add.add_argument("--data", required=True, help="the training pictures and their licences")
    add.add_argument("--license", required=True, help="terms of the weights")
    add.add_argument("--hardware", required=True, help="what it was trained on")
    add.add_argument("--step", type=cli.positive_int, help="checkpoint of the last phase (default: its end)")
    add.add_argument("--note", action="append", default=[], help="what else must be known; may be repeated")
    add.add_argument("--scores", metavar="FILE", help="metrics.json of evaluate.py")
    flags = parser.parse_args()
    if flags.command == "add":
        from srgan_tf.weights import packing

        file = packing.add(
            flags.run,
            flags.name,
            summary=flags.summary,
            data=flags.data,
            license_text=flags.license,
            hardware=flags.hardware,
            step=flags.step,
            notes=flags.note,
            scores=flags.scores,
        )
        print(f"done: {file} ({file.stat().st_size:,} bytes) and its card {file.with_suffix('.json').name}")
    elif flags.command == "show":
        if flags.name not in shipped.names():
            raise UserError(f"no model {flags.name!r} comes with srgan_tf: there are {', '.join(shipped.names())}")
        print(json.dumps(shipped.read_card(flags.name), indent=2))
    else:
        for name in shipped.names():
            card = shipped.read_card(name)
            default = " (what upscale.py takes if none is named)" if name == shipped.DEFAULT else ""
            print(f"{name}: x{card['scale']}, {card['parameters']:,} parameters. {card['summary']}{default}")


if __name__ == "__main__":
    sys.exit(cli.execute(main, "srgan_tf.weights"))
