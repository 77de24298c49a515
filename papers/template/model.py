"""A linear model of one variable, and the constant model that it is compared with.

Letters: B batch.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import MODELS


@MODELS.register
class Line(nn.Module):
    """A line: `forward(x (B, 1)) -> slope * x + offset, (B, 1)` (Equation 1).

    Both parameters start at 0. `slope` = False: the model is the constant `offset`.

    Example:

        >>> Line()(torch.ones(2, 1)).shape
        torch.Size([2, 1])
    """

    def __init__(self, slope: bool = True) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(1))
        self.slope = nn.Parameter(torch.zeros(1)) if slope else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        line = self.offset.expand_as(x)
        return line if self.slope is None else line + self.slope * x  # Equation 1
