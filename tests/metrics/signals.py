"""Signals for the tests of the metrics, and the values of mir_eval."""

from __future__ import annotations

import warnings

import mir_eval
import numpy as np
import torch


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def separated(sources: int = 2, length: int = 6000, leak: float = 0.3, seed: int = 0):
    """Sources coloured unlike each other, estimates that leak and are noisy, and the inputs that hold the mixture."""
    target = noise(sources, length, seed=seed)
    for number in range(sources):
        target[number, 1:] += (0.9 - 0.6 * number) * target[number, :-1].clone()
    estimate = target + leak * target.roll(1, 0) + 0.1 * noise(sources, length, seed=seed + 1)
    return estimate, target, {"mixture": target.sum(0)}


def bss_eval(estimate: torch.Tensor, target: torch.Tensor) -> dict[str, np.ndarray]:
    """SDR, SIR and SAR of mir_eval, each (C,), for the estimates in the order of the sources."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # mir_eval.separation is to leave mir_eval
        found = mir_eval.separation.bss_eval_sources(target.numpy(), estimate.numpy(), compute_permutation=False)
    return dict(zip(("SDR", "SIR", "SAR"), found, strict=False))
