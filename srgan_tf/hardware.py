"""The device that a script works on."""

import os
import sys

import tensorflow as tf


def describe():
    """The device in words, such as "NVIDIA H200" or "CPU, 8 cores"."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"


def peak_memory():
    """The most memory that this process has held so far.

    Returns:
        Dictionary of "host" (where the system tells) and each GPU to bytes.
    """
    peaks = {}
    if sys.platform != "win32":
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        peaks["host"] = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for index in range(len(tf.config.list_physical_devices("GPU"))):
        peaks[f"GPU:{index}"] = tf.config.experimental.get_memory_info(f"GPU:{index}")["peak"]
    return peaks
