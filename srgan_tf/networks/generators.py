"""Generators by name: LR pictures in, SR pictures out, both [0, 1], any height and width.

`GENERATORS` is the table of what a preset or `--set generator.name=` can name. A new generator is one function of
keyword arguments that returns a functional `keras.Model`, and one line there.
"""

from srgan_tf.networks.compact import compact
from srgan_tf.networks.rrdbnet import rrdbnet
from srgan_tf.networks.srresnet import srresnet

GENERATORS = {"srresnet": srresnet, "rrdbnet": rrdbnet, "compact": compact}
