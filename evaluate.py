"""Scores models on images with a known HR image: `python evaluate.py --help`. The same as `srgan-tf evaluate`."""

import sys

from srgan_tf.commands import cli, evaluate

if __name__ == "__main__":
    sys.exit(cli.execute(evaluate.main))
