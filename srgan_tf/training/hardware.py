"""The device that the run is on."""

import os

import tensorflow as tf


def prepare():
    """Lets GPU memory grow with the need instead of taking all of it at the start."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def describe():
    """The device in words, such as "NVIDIA H200" or "CPU, 8 cores"."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(names) or f"CPU, {len(os.sched_getaffinity(0))} cores"
