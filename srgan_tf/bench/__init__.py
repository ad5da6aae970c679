"""Benchmarks of this machine: `python -m srgan_tf.bench COMMAND`."""
