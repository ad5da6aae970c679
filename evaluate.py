"""Scores models on pictures whose HR is known: `python evaluate.py --help`. The same as `srgan-tf evaluate`."""

import sys

from srgan_tf.commands import cli, evaluate

if __name__ == "__main__":
    sys.exit(cli.execute(evaluate.main))
