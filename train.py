"""Trains a generator: `python train.py --help`. The same as `srgan-tf train`."""

import sys

from srgan_tf.commands import cli, train

if __name__ == "__main__":
    sys.exit(cli.execute(train.main))
