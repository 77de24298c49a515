"""Gradient clipping: to a fixed norm, or to a percentile of the previous norms (AutoClip)."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

import torch


class ClipNorm:
    """Scale the gradient so that its norm is at most `norm`. Raises ValueError unless `norm` is above 0.

    Example:

        >>> weight = torch.nn.Parameter(torch.zeros(2))
        >>> weight.grad = torch.tensor([3.0, 4.0])
        >>> ClipNorm(1.0)([weight]), weight.grad
        (tensor(5.), tensor([0.6000, 0.8000]))
    """

    def __init__(self, norm: float = 5.0) -> None:
        if norm <= 0:
            raise ValueError(f"clip_norm is {norm}; expected a number above 0")
        self.norm = norm

    def __call__(self, parameters: Iterable[torch.nn.Parameter]) -> torch.Tensor:
        """Clip the gradients in place; returns the norm before clipping."""
        return torch.nn.utils.clip_grad_norm_(list(parameters), self.norm)

    def state_dict(self) -> dict[str, Any]:
        return {}  # it has no state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Does nothing, because there is no state."""


class AutoClip:
    """AutoClip: clip to the `percentile`, in (0, 100], of all gradient norms so far.

    The norm of the current step is included. Norms that are not finite are ignored. Raises ValueError for another
    percentile. Source: Seetharaman et al. 2020 (arXiv 2007.14469).

    Example: the median of the norms 5 and 10 is 7.5, so the second gradient is scaled to that norm.

        >>> weight, clip = torch.nn.Parameter(torch.zeros(2)), AutoClip(50.0)
        >>> for scale in (1.0, 2.0):
        ...     weight.grad = scale * torch.tensor([3.0, 4.0])
        ...     norm = clip([weight])
        >>> norm, weight.grad
        (10.0, tensor([4.5000, 6.0000]))
    """

    def __init__(self, percentile: float = 10.0) -> None:
        if not 0 < percentile <= 100:
            raise ValueError(f"clip_percentile is {percentile}; expected a number in (0, 100]")
        self.percentile = percentile
        self.norms: list[float] = []  # sorted, so that a percentile is one look-up

    def __call__(self, parameters: Iterable[torch.nn.Parameter]) -> float:
        """Clip the gradients in place; returns the norm before clipping. On a GPU this waits for the norm."""
        grads = [p.grad for p in parameters if p.grad is not None]
        norm = float(torch.nn.utils.get_total_norm(grads))
        if norm < float("inf"):
            bisect.insort(self.norms, norm)
        if self.norms:
            limit = self.threshold()
            torch._foreach_mul_(grads, min(1.0, limit / (norm + 1e-6)))
        return norm

    def state_dict(self) -> dict[str, Any]:
        return {"norms": torch.tensor(self.norms, dtype=torch.float64)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.norms = state["norms"].tolist()

    def threshold(self) -> float:
        """The percentile of the norms, with linear interpolation, as in `numpy.percentile`."""
        rank = (len(self.norms) - 1) * self.percentile / 100
        low = int(rank)
        high = min(low + 1, len(self.norms) - 1)
        return self.norms[low] + (rank - low) * (self.norms[high] - self.norms[low])
