"""Diffusion: noise schedules, the steps of a sampler, noise that depends on the pixel, and losses. Arithmetic only."""
