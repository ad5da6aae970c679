"""Upscales images: `python upscale.py --help`. The same as `srgan-tf upscale`."""

import sys

from srgan_tf.commands import cli, upscale

if __name__ == "__main__":
    sys.exit(cli.execute(upscale.main))
