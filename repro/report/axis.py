"""A range of numbers, its ticks, and where a number stands on it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, in steps of `step`; `log` counts in powers of ten."""

    low: float
    high: float
    step: float
    log: bool = False

    def share(self, value: float) -> float:
        """Where `value` stands, from 0 (low) to 1 (high)."""
        if self.log:
            return (math.log10(value) - self.low) / (self.high - self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def ticks(self) -> list[float]:
        first, last = math.ceil(self.low / self.step - 1e-9), math.floor(self.high / self.step + 1e-9)
        marks = [round(index * self.step, 12) for index in range(first, last + 1)]
        return [10.0**mark for mark in marks] if self.log else marks


def around(values: Iterable[float], ticks: int = 5, margin: float = 0.06) -> Axis:
    """The axis that shows all `values` with a margin, in about `ticks` round steps."""
    found = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(found), max(found)
    room = (high - low) * margin or abs(high) * 0.1 or 1.0
    return Axis(low - room, high + room, _round((high - low + 2 * room) / ticks))


def powers(values: Iterable[float]) -> Axis:
    """The logarithmic axis from the power of ten below all `values` to the one above."""
    found = [math.log10(value) for value in values]
    low, high = math.floor(min(found)), math.ceil(max(found))
    return Axis(low, max(high, low + 1), 1.0, log=True)


def _round(step: float) -> float:
    """The round number (1, 2 or 5 times a power of ten) just above `step`."""
    size = 10.0 ** math.floor(math.log10(step))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= step * 0.999)
