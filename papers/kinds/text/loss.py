"""Cross-entropy with smoothed labels, written out as an example of a paper's own loss.

Letters: B items of a batch, K classes.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES, wrong_value


@LOSSES.register
class SmoothedCrossEntropy(nn.Module):
    """Mean cross-entropy with smoothed labels: `forward(scores (B, K), target (B,)) -> scalar` (Equation 1).

    The true class has the probability 1 - `smoothing`, and `smoothing` is spread evenly over all classes. Raises
    BadInput if `smoothing` is not in [0, 1).

    Example:

        >>> SmoothedCrossEntropy()(torch.zeros(2, 4), torch.tensor([0, 3])).exp()
        tensor(4.)
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= smoothing < 1:
            raise wrong_value(self, "smoothing", smoothing, "a number from 0 and below 1")
        self.smoothing = smoothing

    def forward(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        logs = scores.log_softmax(dim=1)
        true = logs.gather(1, target[:, None]).mean()
        return -(1 - self.smoothing) * true - self.smoothing * logs.mean()  # Equation 1
