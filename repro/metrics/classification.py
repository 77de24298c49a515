"""Classification: is the class with the highest score the right one? K classes."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from repro.registry import METRICS

SHARED = {"version": 1, "aggregation": "mean", "reference": "class", "sample_rate": None, "permutation": None}


@METRICS.register
class Accuracy:
    """1 where the highest of the scores `estimate (K,)` is that of the class `target`, else 0; of equals the first."""

    identity: ClassVar = {"name": "Accuracy", "unit": "", "better": "higher", **SHARED}

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> float:
        return float(int(estimate.argmax()) == int(target))


@METRICS.register
class ErrorRate:
    """100 where the highest of the scores `estimate (K,)` is not that of the class `target`, else 0: in percent."""

    identity: ClassVar = {"name": "ErrorRate", "unit": "%", "better": "lower", **SHARED}

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> float:
        return 100.0 * (int(estimate.argmax()) != int(target))
