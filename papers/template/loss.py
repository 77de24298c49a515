"""The squared error, written out so that a paper with a loss of its own sees where to put it."""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES


@LOSSES.register
class MeanSquare(nn.Module):
    """`forward(output (B, 1), target (B, 1)) -> scalar`, the mean of the squared differences (Equation 2)."""

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return (output - target).pow(2).mean()
