import pathlib

import tensorflow as tf

from srgan_tf import hardware
from srgan_tf.precisions import CHOICES


def test_fast_precision_of_cpus(monkeypatch, tmp_path):
    def of(flags):
        monkeypatch.setattr(hardware, "_cpu_flags", lambda: set(flags.split()))
        return hardware.fast_precision()

    assert of("fpu avx2 avx512f") == "float32"
    assert of("avx2 amx_bf16 amx_tile") == "bfloat16"
    assert of("avx512_bf16") == "bfloat16"


def test_fast_precision_of_gpus(monkeypatch):
    def of(*capabilities):
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(range(len(capabilities))))
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": capabilities[gpu]}
        )
        return hardware.fast_precision()

    assert of((7, 5)) == "float32"
    assert of((8, 0)) == "bfloat16"
    assert of((9, 0), (7, 5)) == "float32"  # the slowest decides


def test_cpu_flags_of_this_machine():
    if pathlib.Path("/proc/cpuinfo").is_file():
        assert hardware._cpu_flags()


def test_auto_is_the_precision_of_the_device(monkeypatch):
    monkeypatch.setattr(hardware, "fast_precision", lambda: "bfloat16")
    assert [hardware.resolve_precision(name) for name in CHOICES] == ["bfloat16", "float32", "bfloat16", "float16"]


def test_tf32_is_turned_off(monkeypatch):
    switched = []
    monkeypatch.setattr(tf.config.experimental, "enable_tensor_float_32_execution", switched.append)
    hardware.turn_tf32_off()
    assert switched == [False]


def test_memory_of_the_device_that_computes(monkeypatch):
    monkeypatch.setattr(hardware, "free_memory", lambda: 20 * 10**9)
    assert hardware.free_compute_memory() == 20 * 10**9
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU"])
    monkeypatch.setattr(tf.config.experimental, "get_memory_info", lambda device: {"current": 3 * 10**9})
    for limit, expected in ((8, 5), (80, 20), (2, 0)):
        monkeypatch.setattr(hardware, "_gpu_memory", lambda limit=limit: limit * 10**9)
        assert hardware.free_compute_memory() == expected * 10**9
