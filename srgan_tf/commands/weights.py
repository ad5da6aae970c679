"""Lists the trained generators that come with the package.

srgan-tf weights                    lists them
srgan-tf weights show compact_x4    prints a model card
"""

import json

from srgan_tf.commands import cli
from srgan_tf.errors import UserError
from srgan_tf.weights import shipped


def main():
    """Parses the flags; lists the models or prints a card."""
    parser = cli.Parser(__doc__, imports_tensorflow=False)
    commands = parser.add_subparsers(dest="command")
    show = commands.add_parser("show", help="print a model card", description="Prints a model card.")
    show.add_argument("name")
    flags = parser.parse_args()
    if flags.command == "show":
        if flags.name not in shipped.names():
            raise UserError(f"no shipped model {flags.name!r}: expected one of {', '.join(shipped.names())}")
        print(json.dumps(shipped.read_card(flags.name), indent=2))
    else:
        for name in shipped.names():
            card = shipped.read_card(name)
            default = " (the default of srgan-tf upscale)" if name == shipped.DEFAULT else ""
            print(f"{name}: x{card['scale']}, {card['parameters']:,} parameters. {card['summary']}{default}")
