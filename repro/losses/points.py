"""A loss for marked moments in a signal: one decision per sample.

Letters: B items, L samples.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from repro.registry import LOSSES, wrong_value


@LOSSES.register
class PointLoss(nn.Module):
    """Binary cross-entropy per sample, with a target that is smoothed around each mark.

    The target of a sample that is d samples from the nearest mark is y = exp(-d^2 / (2 width^2)): 1 at the mark, and
    near 0 from 3 `width` on. So a mark that is found a few samples too early costs little. The loss is the mean of

        -positive_weight y log p - (1 - y) log(1 - p)

    with p the sigmoid of the logit. Few samples are near a mark. `positive_weight` above 1 makes them count more.

    estimate: logits (B, L). target: (B, L), 1 at a mark and 0 elsewhere. Returns a scalar, at least 0. `width`: in
    samples, from 0; 0 does not smooth. `positive_weight`: above 0. Raises BadInput for other values.

    Example:

        >>> target = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
        >>> PointLoss(width=1.0).smoothed(target)
        tensor([[0.1353, 0.6065, 1.0000, 0.6065]])
        >>> PointLoss(width=0.0)(torch.zeros(1, 4), target)
        tensor(0.6931)
    """

    def __init__(self, width: float, positive_weight: float = 1.0) -> None:
        super().__init__()
        if not 0 <= width < math.inf:
            raise wrong_value(self, "width", width, "0 or a number above 0, in samples")
        if not 0 < positive_weight < math.inf:
            raise wrong_value(self, "positive_weight", positive_weight, "a number above 0")
        self.width = width
        self.register_buffer("weight", torch.tensor(float(positive_weight)))

    def smoothed(self, target: Tensor) -> Tensor:
        """The smoothed target (B, L), from the marked samples (B, L)."""
        if not self.width:
            return target
        found = target.clone()
        for away in range(1, min(round(4 * self.width), target.shape[-1] - 1) + 1):
            height = torch.exp(target.new_tensor(-(away**2) / (2 * self.width**2)))
            before, after = (
                functional.pad(target[..., away:], (0, away)),
                functional.pad(target[..., :-away], (away, 0)),
            )
            found = torch.maximum(found, height * torch.maximum(before, after))
        return found

    def forward(self, estimate: Tensor, target: Tensor) -> Tensor:
        wanted = self.smoothed(target)
        return functional.binary_cross_entropy_with_logits(estimate, wanted, pos_weight=self.get_buffer("weight"))
