"""Training criteria: squared error over all classes or over pairs, and the discriminative criterion.

We could not read the PDF of the paper. We read only its results on the page of the MNIST database. All other
statements about the paper are from memory, so the numbers of the sections are left out.

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
    """Mean squared error with targets +1 for the class and -1 for all others.

    `forward(output (B, K), target (B,)) -> scalar`: half the squared distance of the scores from their targets, summed
    over the classes and averaged over the items. Source: LeCun et al. 1998, from memory.

    Example: perfect scores for class 2 of 3, then scores of 0.

        >>> loss = SquaredTargets()
        >>> loss(torch.tensor([[-1.0, -1.0, 1.0]]), torch.tensor([2])).item()
        0.0
        >>> loss(torch.zeros(1, 3), torch.tensor([2])).item()
        1.5
    """

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        wanted = 2 * one_hot(target, output.shape[1]).to(output.dtype) - 1
        return (output - wanted).pow(2).sum(1).mean() / 2


@LOSSES.register
class PairTargets(nn.Module):
    """Squared error of a pairwise classifier, over those nine units whose pair contains the class.

    `forward(output (B, 45), target (B,)) -> scalar`: half the squared distance of these units from +1 or -1, summed
    over the units and averaged over the items. The unit i/j has target +1 for class i and -1 for class j. Source:
    LeCun et al. 1998, from memory.

    Example: nine units with an error of 1 each.

        >>> PairTargets()(torch.zeros(1, 45), torch.tensor([2])).item()
        4.5
    """

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        wanted = pair_signs()[:, target].T.to(output)
        return ((output - wanted) * wanted).pow(2).sum(1).mean() / 2


@LOSSES.register
class Discriminative(nn.Module):
    """Discriminative criterion: the penalty of the class competes with the penalties of all other classes.

    `forward(output (B, K), target (B,)) -> scalar`, averaged over the items. The output is the negative of the
    penalties. With y_k the penalty of class k and j = `rubbish`, the loss of an item of class c is

        y_c + log(exp(-j) + sum_k exp(-y_k))

    `rubbish` is the penalty of an extra class that is always present. The loss does not push penalties much above it.
    Source: LeCun et al. 1998, from memory.

    Example: penalties 0 for the class and 50 for two others.

        >>> round(Discriminative()(torch.tensor([[0.0, -50.0, -50.0]]), torch.tensor([0])).item(), 6)
        4.5e-05
    """

    def __init__(self, rubbish: float = 10.0) -> None:
        super().__init__()
        self.rubbish = rubbish

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        everything = torch.cat([output, output.new_full((len(output), 1), -self.rubbish)], 1)
        return (everything.logsumexp(1) - output.gather(1, target[:, None])[:, 0]).mean()
