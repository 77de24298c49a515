"""A model that was trained on more and more labels: one network for each size of the training set.

Letters: A acquisitions, B images of a batch, K classes.
"""

from __future__ import annotations

import copy
from typing import Annotated, Any

import torch
from torch import Tensor, nn

from repro.models.dropout_samples import has_dropout, samples
from repro.registry import MODELS, name_of, wrong_value

LEAST = torch.finfo(torch.float32).tiny  # so that the logarithm of a probability is finite


@MODELS.register
class ActiveLearner(nn.Module):
    """A + 1 copies of `network`: `forward(inputs (B, ...)) -> scores (B, A + 1, K)`, one row per copy.

    `trainers.Active` trains the first copy on the first labels, and each further one after an acquisition of more
    labels. All copies start with the same weights. So one run measures the accuracy at each number of labels
    (`metrics.AccuracyWith`).

    A score is the logarithm of a probability, the mean over `passes` masks of Monte Carlo dropout
    (`repro.models.dropout_samples`). While the model trains (`model.train()`), the answer is the mean output of all
    networks, (B, K). `acquisitions`: A, from 0. `passes`: from 1. Raises BadInput for other values, and for a network
    without dropout and more than one pass.

    Example: three numbers, two classes, and two acquisitions after the first labels.

        >>> network = nn.Sequential(nn.Dropout(0.5), nn.Linear(3, 2))
        >>> model = ActiveLearner(network, acquisitions=2, passes=5).eval()
        >>> model(torch.rand(4, 3)).shape, model.dropout_samples(torch.rand(4, 3), passes=7).shape
        (torch.Size([4, 3, 2]), torch.Size([7, 4, 2]))
    """

    def __init__(self, network: Annotated[Any, MODELS], acquisitions: int, passes: int = 20) -> None:
        super().__init__()
        for name, value, least in (("acquisitions", acquisitions, 0), ("passes", passes, 1)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise wrong_value(self, name, value, f"a whole number from {least}")
        if passes > 1 and not has_dropout(network):
            raise wrong_value(self, "passes", passes, f"1, because {name_of(network)} has no dropout")
        self.passes = passes
        self.networks = nn.ModuleList(copy.deepcopy(network) for _ in range(acquisitions + 1))

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            return torch.stack([network(inputs) for network in self.networks]).mean(0)
        rows = [samples(network, inputs, self.passes).mean(0) for network in self.networks]
        return torch.stack(rows, dim=1).clamp_min(LEAST).log()

    def dropout_samples(self, inputs: Tensor, passes: int, seed: int = 0) -> Tensor:
        """Probabilities (passes, B, K) of the last network, each row with another dropout mask."""
        return samples(self.networks[-1], inputs, passes, seed)
