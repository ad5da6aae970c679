"""Exports a generator for serving: `python export.py --help`. The same as `srgan-tf export`."""

import sys

from srgan_tf.commands import cli, export

if __name__ == "__main__":
    sys.exit(cli.execute(export.main))
