"""The device that a script works on."""

import os
import resource

import tensorflow as tf


def describe():
    """The device in words, such as "NVIDIA H200" or "CPU, 8 cores"."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"


def peak_memory():
    """Bytes: the most of the first GPU's memory that was in use so far; without a GPU, of the process's own."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
