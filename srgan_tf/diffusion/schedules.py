"""Noise schedules: how much of the image and how much noise each state of a diffusion chain has.

A chain turns an image x into noise. Its state t, from 0 to T, is z_t = signal[t] x + noise[t] e with e ~ N(0, 1); state
0 is the image. Everything else follows from these two sequences and from the variance of the reverse steps:

linear    DDPM's chain (Ho et al. 2020): noise is added to a shrinking image; the variance of the step from t to p is
          the posterior's, noise[p]^2 (1 - (signal[t] noise[p])^2 / (signal[p] noise[t])^2)
shift     ResShift's chain (Yue et al. 2023), for a residual: the image shifts to another one. With the residual between
          the two as x, signal = 1 - eta and noise = kappa sqrt(eta), and the variance is
          noise[p]^2 (1 - noise[p]^2 / noise[t]^2)
"""

import dataclasses
from typing import Literal

import numpy as np


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A chain.

    Attributes:
        signal: float64 [T + 1], factors of the image, from 1 downwards.
        noise: float64 [T + 1], standard deviations of the noise, from 0 upwards.
        kind: "linear" or "shift".
    """

    signal: np.ndarray
    noise: np.ndarray
    kind: Literal["linear", "shift"]

    @property
    def length(self):
        """T, the number of steps."""
        return len(self.signal) - 1

    def log_noise_level(self, states):
        """What a network gets as the time: log(noise / (signal + noise)), float32; states from 1 to T."""
        signal, noise = self.signal[states], self.noise[states]
        return np.log(noise / (signal + noise)).astype(np.float32)

    def step(self, state, target):
        """The reverse step to an earlier state, given an estimate of the image.

        Args:
            state: t.
            target: p, an earlier state, down to 0.

        Returns:
            `(of_state, of_image, deviation)`: z_p = of_state z_t + of_image x + deviation e. Of every chain with these
            marginals, it is the one with the variance of `kind` (Song et al. 2021 (DDIM), equation 7).

        Raises:
            ValueError: `target` is not an earlier state.
        """
        if not 0 <= target < state <= self.length:
            raise ValueError(f"`target` must be an earlier state than {state}. Received: {target}")
        signal, noise = self.signal, self.noise
        kept = (noise[target] / noise[state]) ** 2
        if self.kind == "linear":
            kept *= (signal[state] / signal[target]) ** 2
        variance = noise[target] ** 2 * (1 - kept)
        of_state = np.sqrt(max(noise[target] ** 2 - variance, 0.0)) / noise[state]
        return float(of_state), float(signal[target] - of_state * signal[state]), float(np.sqrt(max(variance, 0.0)))

    def strided(self, steps):
        """The states that a sampler of a number of steps visits: from T to 0, evenly spaced.

        Raises:
            ValueError: fewer than 1 step or more than T.
        """
        if not 1 <= steps <= self.length:
            raise ValueError(f"`steps` must be 1 to {self.length}. Received: {steps}")
        return [round(self.length * (steps - index) / steps) for index in range(steps + 1)]


def linear_schedule(length=2000, first=1e-6, last=1e-2):
    """DDPM's chain with variances that grow linearly from `first` to `last`; the defaults are IDM's and SR3's."""
    kept = np.cumprod(1 - np.linspace(first, last, length))
    kept = np.concatenate([[1.0], kept])
    return Schedule(np.sqrt(kept), np.sqrt(1 - kept), "linear")


def shift_schedule(length=4, kappa=1.0, first=0.001, last=0.999, power=0.3):
    """ResShift's chain: sqrt(eta) grows geometrically from state 1 to T (Yue et al. 2023, equation 9).

    Args:
        length: T.
        kappa: standard deviation of the noise at the end, over that of the image.
        first: eta of state 1.
        last: eta of state T.
        power: below 1, states are closer together near the end.
    """
    place = np.linspace(0.0, 1.0, length) ** power if length > 1 else np.ones(1)
    eta = np.exp((1 - place) * np.log(first) + place * np.log(last))
    eta = np.concatenate([[0.0], eta])
    return Schedule(1 - eta, kappa * np.sqrt(eta), "shift")


SCHEDULES = {"linear": linear_schedule, "shift": shift_schedule}
