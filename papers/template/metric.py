"""What the paper's table states."""

from __future__ import annotations

from typing import ClassVar

import torch

from repro.registry import METRICS


@METRICS.register
class SquaredError:
    """The squared error of one point."""

    identity: ClassVar = {
        "name": "SquaredError",
        "version": 1,
        "unit": "",
        "better": "lower",
        "aggregation": "none",
        "reference": "the noisy point",
        "sample_rate": None,
        "permutation": None,
    }

    def __call__(self, estimate: torch.Tensor, target: torch.Tensor, inputs: torch.Tensor) -> float:
        return float((estimate - target).pow(2).sum())
