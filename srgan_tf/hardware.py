"""The device: its name and memory."""

import os
import pathlib
import resource
import sys

import psutil
import tensorflow as tf

# Memory limit of a Linux container, control groups version 2 and 1.
_MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def describe():
    """The device in words, such as "NVIDIA H200" or "CPU, 8 cores"."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"


def peak_memory():
    """Peak memory in bytes so far: of the first GPU if there is one, else of the process."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    # Kibibytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def free_memory():
    """Free memory in bytes, or what is free within a container's limit if that is less."""
    free = psutil.virtual_memory().available
    for file in map(pathlib.Path, _MEMORY_LIMITS):
        if file.exists() and (limit := file.read_text().strip()).isdecimal():  # else "max"
            free = min(free, int(limit) - psutil.Process().memory_info().rss)
    return free
