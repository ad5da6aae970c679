"""Generators by name: networks from LR images to SR images, both in [0, 1], of any height and width.

`GENERATORS` lists the values of `generator.name`. To add a generator, write a function of keyword arguments that
returns a functional `keras.Model` and add a line here.
"""

from srgan_tf.networks.compact import compact
from srgan_tf.networks.continuous import continuous
from srgan_tf.networks.idm import idm
from srgan_tf.networks.rrdbnet import rrdbnet
from srgan_tf.networks.srdensenet import srdensenet
from srgan_tf.networks.srresnet import srresnet
from srgan_tf.networks.wdsr import wdsr

GENERATORS = {
    "srresnet": srresnet,
    "rrdbnet": rrdbnet,
    "compact": compact,
    "srdensenet": srdensenet,
    "wdsr": wdsr,
    "continuous": continuous,
    "idm": idm,
}
# Those that `networks.continuous` can change to another factor.
CONTINUOUS = ("continuous", "idm")
