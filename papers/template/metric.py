"""The metric of the paper's table."""

from __future__ import annotations

import torch

from repro.metrics import Identity
from repro.registry import METRICS


@METRICS.register
class SquaredError:
    """Squared error of one point.

    Example:

        >>> SquaredError()(torch.tensor([3.0]), torch.tensor([1.0]), None)
        4.0
    """

    identity = Identity("SquaredError", better="lower", aggregation="none", reference="the noisy point")

    def __call__(self, estimate: torch.Tensor, target: torch.Tensor, inputs: torch.Tensor) -> float:
        return float((estimate - target).pow(2).sum())
