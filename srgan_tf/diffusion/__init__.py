"""Diffusion: noise schedules and the steps of a sampler. Arithmetic only."""
