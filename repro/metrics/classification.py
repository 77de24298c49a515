"""Classification metrics: accuracy and error rate.

Letters: K classes.
"""

from __future__ import annotations

from typing import Any

import torch

from repro.metrics import Identity
from repro.registry import METRICS


@METRICS.register
class Accuracy:
    """Accuracy of one item: 1 if the class with the highest score is `target`, else 0. Ties go to the lowest index.

    estimate: scores (K,). target: the true class, an int in [0, K).

    Example:

        >>> Accuracy()(torch.tensor([0.1, 0.7, 0.2]), 1, None)
        1.0
    """

    identity = Identity("Accuracy", better="higher", reference="class")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> float:
        return float(int(estimate.argmax()) == int(target))


@METRICS.register
class ErrorRate:
    """Error rate of one item in percent: 0 if the class with the highest score is `target`, else 100.

    estimate: scores (K,). target: the true class, an int in [0, K). Ties go to the lowest index.

    Example:

        >>> ErrorRate()(torch.tensor([0.1, 0.7, 0.2]), 2, None)
        100.0
    """

    identity = Identity("ErrorRate", better="lower", unit="%", reference="class")

    def __call__(self, estimate: torch.Tensor, target: int, inputs: Any) -> float:
        return 100.0 * (int(estimate.argmax()) != int(target))
