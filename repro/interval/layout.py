"""The two-way layout of a config's values, by seed and by test item, and the variances that it estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

Rows = Sequence[Sequence[float]]
"""The values of one config: one row for each seed, one column for each test item."""

Term = tuple[float, float]
"""An estimated variance and its degrees of freedom."""


class Layout:
    """The two-way layout of one config's values, divided by `scale`. Without it, the square of a tiny value is 0."""

    def __init__(self, rows: Rows, scale: float = 0.0) -> None:
        import numpy as np

        values = np.asarray(rows, dtype=float)
        peak = float(np.abs(values).max())
        self.scale = scale or (peak if 0 < peak < math.inf else 1.0)
        self.x: Any = values / self.scale
        self.seeds, self.items = values.shape
        self.by_seed, self.by_item = self.x.mean(axis=1), self.x.mean(axis=0)
        self.mean = math.fsum(values.flat) / values.size

    @cached_property
    def rest_variance(self) -> float:
        """The part of the variance of the grand mean that comes from the rest: MS_rest / (S n)."""
        rest = self.x - self.by_seed[:, None] - self.by_item[None, :] + self.x.mean()
        return float((rest**2).sum()) / max((self.seeds - 1) * (self.items - 1), 1) / self.seeds / self.items

    @cached_property
    def seed_term(self) -> Term:
        """The variance of the grand mean that comes from the seeds and the rest: MS_seed / (S n)."""
        return spread(self.by_seed)

    @cached_property
    def item_term(self) -> Term:
        """The variance of the grand mean that comes from the items alone: (MS_item - MS_rest) / (S n), at least 0."""
        return less(spread(self.by_item), self.rest_variance)


def spread(means: Any) -> Term:
    """The variance of the mean of `means`; (0, 0) if there is only one, because its spread is unknown."""
    count = len(means)
    return (float(means.var(ddof=1)) / count, count - 1) if count > 1 else (0.0, 0)


def less(term: Term, variance: float) -> Term:
    """`term` minus a variance that it contains, but at least 0."""
    return max(term[0] - variance, 0.0), term[1]


def paired(a: Layout, b: Layout) -> Term:
    """The part of the variance of a difference that comes from the items, if both sides have the same items."""
    return less(spread(a.by_item - b.by_item), a.rest_variance + b.rest_variance)


def total(*terms: Term) -> Term:
    """The sum of estimated variances, with the degrees of freedom by Satterthwaite (1946) and Welch."""
    found = sum(variance for variance, _ in terms)
    if not found > 0.0:
        return 0.0, 0
    return found, 1 / sum((variance / found) ** 2 / freedom for variance, freedom in terms if variance > 0)
