"""Gradient clipping: to a fixed norm, or to a percentile of the norms seen so far (AutoClip)."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

import torch


class ClipNorm:
    """Scale the gradient so that its norm is at most `norm`."""

    def __init__(self, norm: float = 5.0) -> None:
        if norm <= 0:
            raise ValueError(f"clip_norm is {norm}; expected a number above 0")
        self.norm = norm

    def __call__(self, parameters: Iterable[torch.nn.Parameter]) -> float:
        """Clip in place; returns the norm before clipping."""
        return float(torch.nn.utils.clip_grad_norm_(list(parameters), self.norm))

    def state_dict(self) -> dict[str, Any]:
        return {}  # it remembers nothing

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to go on from."""


class AutoClip:
    """Clip to the `percentile` (0 to 100] of all gradient norms seen so far (Seetharaman et al. 2020).

    The norm of the current step counts among those seen. Norms that are not finite are not remembered.
    """

    def __init__(self, percentile: float = 10.0) -> None:
        if not 0 < percentile <= 100:
            raise ValueError(f"clip_percentile is {percentile}; expected a number in (0, 100]")
        self.percentile = percentile
        self.norms: list[float] = []  # sorted, so that a percentile costs one look-up

    def __call__(self, parameters: Iterable[torch.nn.Parameter]) -> float:
        """Clip in place; returns the norm before clipping."""
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
        """The percentile by linear interpolation, as `numpy.percentile` takes it."""
        rank = (len(self.norms) - 1) * self.percentile / 100
        low = int(rank)
        high = min(low + 1, len(self.norms) - 1)
        return self.norms[low] + (rank - low) * (self.norms[high] - self.norms[low])
