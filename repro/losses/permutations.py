"""The best assignment of estimates to sources, for losses that do not depend on the order of the estimates.

Letters: B batch, C sources.
"""

from __future__ import annotations

import functools
import itertools

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

MOST_SEARCHED = 4
"""Up to this number of sources all permutations are compared, on the device of the costs and without waiting for it."""


def least_mean(costs: Tensor) -> Tensor:
    """The least mean cost over all one-to-one assignments of estimates to sources: (B, C, C) -> (B,).

    costs[b, i, j] is the cost of estimate i for source j. The gradient reaches the chosen costs only. If two
    assignments have equal cost, one of them is chosen. The search is exact: above MOST_SEARCHED sources it is scipy's
    `linear_sum_assignment`, on the CPU.

    Example: the estimates are in reverse order.

        >>> least_mean(torch.tensor([[[5.0, 1.0], [2.0, 7.0]]]))
        tensor([1.5000])
    """
    count = costs.shape[-1]
    if count > MOST_SEARCHED:
        return costs.gather(2, _assigned(costs)).mean((1, 2))
    estimates = torch.arange(count, device=costs.device)
    return costs[:, estimates, _orders(count, costs.device)].mean(2).min(1).values


@functools.cache
def _orders(count: int, device: torch.device) -> Tensor:
    """All permutations (C!, C). They are copied to a GPU once, because each such copy waits for it."""
    with torch.inference_mode(False):  # a tensor from inference mode could not be used in training later
        return torch.tensor(list(itertools.permutations(range(count))), device=device)


def _assigned(costs: Tensor) -> Tensor:
    """The source of each estimate (B, C, 1), by scipy's solver. It needs numbers; so NaN is 0 in the search."""
    tables = costs.detach().double().nan_to_num().cpu().numpy()
    return torch.tensor([linear_sum_assignment(table)[1].tolist() for table in tables], device=costs.device)[..., None]
