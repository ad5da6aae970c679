import pathlib

import tensorflow as tf

from srgan_tf import hardware


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
