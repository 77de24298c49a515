"""The training criteria: mean square error, over all classes or in pairs, and the discriminative one.

The PDF was not at hand: what is said of the paper is from memory, and the numbers of the sections are left out.

Letters: B items, K classes.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import one_hot

from papers.lecun1998.model.networks import pair_signs
from repro.registry import LOSSES


@LOSSES.register
class SquaredTargets(nn.Module):
    """Half the squared distance of the scores from +1 for the class and -1 for all others, as in 1998.

    `forward(output (B, K), target (B,)) -> scalar`: the sum over the classes, the mean over the items.
    """

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        wanted = 2 * one_hot(target, output.shape[1]).to(output.dtype) - 1
        return (output - wanted).pow(2).sum(1).mean() / 2


@LOSSES.register
class PairTargets(nn.Module):
    """Half the squared distance of the units from +1 or -1, of those units alone whose pair the class belongs to.

    `forward(output (B, 45), target (B,)) -> scalar`: the sum over the nine units, the mean over the items.
    """

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        wanted = pair_signs()[:, target].T.to(output)
        return ((output - wanted) * wanted).pow(2).sum(1).mean() / 2


@LOSSES.register
class Discriminative(nn.Module):
    """The penalty of the class, in competition with those of all others and of rubbish.

    `forward(output (B, K), target (B,)) -> scalar`; the output is the negative of the penalties. `rubbish` is the
    penalty of a class that is always there: what is far worse than it is pushed away no further.
    """

    def __init__(self, rubbish: float = 10.0) -> None:
        super().__init__()
        self.rubbish = rubbish

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        everything = torch.cat([output, output.new_full((len(output), 1), -self.rubbish)], 1)
        return (everything.logsumexp(1) - output.gather(1, target[:, None])[:, 0]).mean()
