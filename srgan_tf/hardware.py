"""The device: its name and memory."""

import functools
import math
import os
import pathlib
import resource
import sys

import psutil
import tensorflow as tf
from tensorflow.python.client import device_lib

from srgan_tf.precisions import AUTO

# Control groups of a Linux container, versions 2 and 1: folder, files of the limit and the use of memory, and the line
# of memory.stat about cached files, whose memory is free when it is needed.
_CONTROL_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def describe():
    """The device in words, such as "NVIDIA H200" or "CPU, 8 cores"."""
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join(names) or f"CPU, {os.cpu_count()} cores"


def fast_precision():
    """The faster precision of the device: "bfloat16" or "float32".

    bfloat16 is faster on GPUs of compute capability 8.0 (Ampere) or later, and on CPUs with AMX or AVX-512 BF16.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
        fast = all(each.get("compute_capability", (0, 0)) >= (8, 0) for each in details)
    else:
        fast = bool(_cpu_flags() & {"amx_bf16", "avx512_bf16"})
    return "bfloat16" if fast else "float32"


def resolve_precision(precision):
    """The precision that "auto" stands for on this device; other names are returned as they are."""
    return fast_precision() if precision == AUTO else precision


def turn_tf32_off():
    """Makes float32 convolutions and matrix products of recent GPUs exact.

    By default TensorFlow computes them in TF32 there, with 10 bits of mantissa instead of 23.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)


def _cpu_flags():
    """Instruction sets of the CPU, as Linux names them; empty elsewhere."""
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return set(next((line for line in lines if line.startswith("flags")), "").split())


def peak_memory():
    """Peak memory in bytes so far: of the first GPU if there is one, else of the process."""
    if tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    # Kibibytes on Linux, bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def free_compute_memory():
    """Free memory in bytes for the computation of networks: of the first GPU and of the host, the lesser of both."""
    if not tf.config.list_physical_devices("GPU"):
        return free_memory()
    in_use = tf.config.experimental.get_memory_info("GPU:0")["current"]
    return min(free_memory(), max(_gpu_memory() - in_use, 0))


@functools.cache
def _gpu_memory():
    """Memory in bytes that TensorFlow may use of the first GPU."""
    return next(device.memory_limit for device in device_lib.list_local_devices() if device.device_type == "GPU")


def free_memory():
    """Free memory in bytes, or what is free within a container's limit if that is less."""
    free = psutil.virtual_memory().available
    return min([free, *(_free_in_group(pathlib.Path(folder), *names) for folder, *names in _CONTROL_GROUPS)])


def _free_in_group(folder, limit, use, cached):
    """Free memory in bytes within the limit of a control group, over all its processes; infinity without a limit."""
    try:
        most, used = ((folder / name).read_text().strip() for name in (limit, use))
        statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except OSError:
        return math.inf
    if not most.isdecimal():  # "max"
        return math.inf
    return max(0, int(most) - int(used) + int(statistics.get(cached, 0)))
