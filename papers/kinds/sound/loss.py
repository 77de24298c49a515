"""Signal-to-noise ratio as a loss, written out as an example of a paper's own loss.

Letters: B items of a batch, T samples.
"""

from __future__ import annotations

import torch
from torch import nn

from repro.registry import LOSSES

QUIET = 1e-8  # is added to each energy, so that silence has some


@LOSSES.register
class NegativeRatio(nn.Module):
    """Mean signal-to-noise ratio in dB, negative: `forward(estimate (B, 1, T), clean (B, 1, T)) -> scalar`.

    The noise is the difference of the two (Equation 1).

    Example: the difference has a hundredth of the energy, which is 20 dB.

        >>> clean = torch.ones(1, 1, 8)
        >>> NegativeRatio()(0.9 * clean, clean)
        tensor(-20.0000)
    """

    def forward(self, estimate: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        signal, noise = (part.square().sum(dim=(1, 2)) + QUIET for part in (clean, estimate - clean))
        return -10 * (signal / noise).log10().mean()  # Equation 1
