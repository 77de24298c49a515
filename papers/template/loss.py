"""Mean squared error, written out as an example of a paper's own loss.

Letters: B batch.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES


@LOSSES.register
class MeanSquare(nn.Module):
    """Mean squared error: `forward(output (B, 1), target (B, 1)) -> scalar` (Equation 2).

    Example:

        >>> MeanSquare()(torch.zeros(2, 1), torch.tensor([[1.0], [3.0]]))
        tensor(5.)
    """

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output - target).pow(2).mean()  # Equation 2
