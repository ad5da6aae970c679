"""A Ray cluster on loopback, and actors for tests of faults."""

import contextlib
import os
import signal
import time

import numpy as np

from srgan_tf.cluster.actor import Upscaling
from support.samples import ROOT

_NODE = {"include_dashboard": False, "object_store_memory": 80 << 20}


@contextlib.contextmanager
def loopback_cluster(nodes):
    """Starts a head and other nodes of one core each; yields `ray.cluster_utils.Cluster`."""
    from ray.cluster_utils import Cluster

    settings = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ |= settings  # of the processes of the nodes
    cluster = None
    try:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **_NODE})
        for _ in range(nodes - 1):
            add_node(cluster)
        yield cluster
    finally:
        if cluster is not None:
            cluster.shutdown()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def add_node(cluster):
    """Adds a node of one core; returns it."""
    return cluster.add_node(num_cpus=1, **_NODE)


class Slow(Upscaling):
    """Takes its time, so that a test can end something in the middle."""

    def _store(self, *arguments):
        time.sleep(0.2)
        return super()._store(*arguments)


class Poisoned(Upscaling):
    """Pictures with "poison" in their name end the process, as Linux does when the memory is exhausted."""

    def _open(self, picture, files):
        if "poison" in picture.source:
            os.kill(os.getpid(), signal.SIGKILL)
        return super()._open(picture, files)


class Hungry(Upscaling):
    """Pictures with "poison" in their name need more memory than the node has."""

    def _open(self, picture, files):
        held = []
        while "poison" in picture.source:
            held.append(np.ones(64 << 20, np.uint8))
            time.sleep(0.02)  # of Ray's monitor, which looks four times a second
        return super()._open(picture, files)
