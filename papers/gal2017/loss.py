"""The cross-entropy of one network, or of all networks of an active learner."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from repro.registry import LOSSES


@LOSSES.register
class CrossEntropyOfNetworks(nn.Module):
    """Cross-entropy of logits (B, K) with classes (B,), a scalar; of scores (B, S, K), the mean over the S networks.

    B items, K classes. A training has one network; `models.ActiveLearner` has the scores of S.

    Example:

        >>> import torch
        >>> CrossEntropyOfNetworks()(torch.zeros(3, 2), torch.tensor([0, 1, 1]))
        tensor(0.6931)
    """

    def forward(self, scores: Tensor, target: Tensor) -> Tensor:
        if scores.ndim == 3:
            target = target[:, None].expand(scores.shape[:2])
        return cross_entropy(scores.flatten(0, -2), target.flatten())
