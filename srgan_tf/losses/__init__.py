"""Losses: functions of tensors. A loss that needs a network takes it as a callable.

Ground truth comes first: `(hr, sr)`, `(real, fake)`. Images are float32 [batch, height, width, channels] in [0, 1].
"""
