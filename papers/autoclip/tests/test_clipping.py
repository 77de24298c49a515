"""Tests of AutoClip against Algorithm 1 of the paper, as numpy and torch compute it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repro.trainers.clipping import AutoClip

SHAPES = [(3, 4), (5,), (2, 2, 2)]


def steps(number: int = 40, scale: float = 1.0) -> list[list[torch.Tensor]]:
    """Gradients of `number` steps, with norms that differ by three powers of ten."""
    random = torch.Generator().manual_seed(0)
    sizes = 10 ** (3 * torch.rand(number, generator=random))
    return [[scale * size * torch.randn(shape, generator=random) for shape in SHAPES] for size in sizes]


def clipped(percentile: float, gradients: list[list[torch.Tensor]]) -> list[torch.Tensor]:
    """What AutoClip makes of each step's gradients, as one vector per step."""
    clip, found = AutoClip(percentile), []
    weights = [torch.nn.Parameter(torch.zeros(shape)) for shape in SHAPES]
    for step in gradients:
        for weight, gradient in zip(weights, step, strict=True):
            weight.grad = gradient.clone()
        clip(weights)
        found.append(torch.cat([weight.grad.flatten() for weight in weights if weight.grad is not None]))
    return found


def algorithm_1(percentile: float, gradients: list[list[torch.Tensor]]) -> list[torch.Tensor]:
    """Append the norm, take the percentile of all norms, scale the gradient to it if it is longer."""
    history: list[float] = []
    found = []
    for step in gradients:
        whole = torch.cat([gradient.flatten() for gradient in step])
        history.append(float(whole.norm()))
        threshold = float(np.percentile(history, percentile))
        found.append(whole * min(threshold / history[-1], 1.0))
    return found


@pytest.mark.parametrize("percentile", [1, 10, 25, 50, 90, 100])
def test_the_clipping_is_that_of_algorithm_1(percentile: float) -> None:
    for ours, theirs in zip(clipped(percentile, steps()), algorithm_1(percentile, steps()), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_tiny_percentile_clips_to_the_least_norm() -> None:
    """The configs for p = 0 have 1e-6, because AutoClip needs a percentile above 0."""
    for ours, theirs in zip(clipped(1e-6, steps()), algorithm_1(0, steps()), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_largest_norm_so_far_clips_nothing() -> None:
    """The norm of the current step is part of the history, so p = 100 means no clipping, as the paper says."""
    for ours, step in zip(clipped(100, steps()), steps(), strict=True):
        torch.testing.assert_close(ours, torch.cat([one.flatten() for one in step]), rtol=1e-4, atol=1e-6)


def test_a_percentile_has_no_scale() -> None:
    """If all gradients are multiplied by one number, so are the clipped ones."""
    for small, large in zip(clipped(10, steps()), clipped(10, steps(scale=1e4)), strict=True):
        torch.testing.assert_close(1e4 * small, large, rtol=1e-4, atol=1e-2)
