"""Metrics of one image.

`fidelity` has functions of `(reference, estimate)`; `niqe`, `stlpips` and `lpips` are perceptual metrics. `table` lists
all of them by name, as functions of a `Sample`, and the metrics of each protocol.
"""
