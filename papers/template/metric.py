"""The metric of the paper's table."""

from __future__ import annotations

from typing import ClassVar

import torch

from repro.registry import METRICS


@METRICS.register
class SquaredError:
    """Squared error of one point.

    Example:

        >>> SquaredError()(torch.tensor([3.0]), torch.tensor([1.0]), None)
        4.0
    """

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
