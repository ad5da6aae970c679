"""Losses: arithmetic on tensors. Networks, where one is needed, are passed in as callables.

Ground truth comes first: `(hr, sr)`, `(real, fake)`. Images are float32 [batch, height, width, channels] in [0, 1].
"""
