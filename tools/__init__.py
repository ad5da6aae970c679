"""Tools for the maintainers of this repository."""

from srgan_tf.commands.cli import quiet_tensorflow

quiet_tensorflow()
