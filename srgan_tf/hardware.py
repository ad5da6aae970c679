"""The device that a script works on."""

import os

import tensorflow as tf


def describe():
    """The device in words, such as "NVIDIA H200" or "CPU, 8 cores"."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"
