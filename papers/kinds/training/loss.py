"""Cross-entropy, written out as an example of a paper's own loss.

Letters: B items of a batch, K classes.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES


@LOSSES.register
class LogLoss(nn.Module):
    """Mean of -log p(class): `forward(scores (B, K), target (B,)) -> scalar` (Equation 1).

    Example:

        >>> LogLoss()(torch.zeros(2, 4), torch.tensor([0, 3])).exp()
        tensor(4.)
    """

    def forward(self, scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return -scores.log_softmax(dim=1).gather(1, target[:, None]).mean()  # Equation 1
